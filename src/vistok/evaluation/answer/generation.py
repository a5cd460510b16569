"""Answers questions in batches, by generation or by the likelihood of options, with any kind of conditioning."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from vistok.grid.tasks import Decoding
from vistok.mllm.language_models.base import Conditioning, LanguageModel, blind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """One question as it is asked: its id in the official file, its image, the whole prompt, and its options if any."""

    id: int | str
    image_id: str
    prompt: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Generation:
    """What the model said, word for word."""

    question: Question
    text: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """How likely each option of a question is: the summed loss (nats) of its tokens, and how many they are."""

    question: Question
    losses: tuple[float, ...]
    tokens: tuple[int, ...]


class Answerer(ABC):
    """Whatever answers questions about images, `batch` at a time."""

    def __init__(self, batch: int) -> None:
        self.batch = batch

    @abstractmethod
    def _length(self, question: Question) -> int:
        """Returns the length of a question, in the unit that is padded."""

    def groups(self, questions: Sequence[Question]) -> list[list[int]]:
        """Returns which questions share a batch, by their positions: those of like length, so that little is padded.

        To ask one group after the other gives the same answers, to the bit, as to ask all of them.
        """
        lengths = [self._length(question) for question in questions]
        order = sorted(range(len(lengths)), key=lambda index: (lengths[index], index))
        return list(groups(iter(order), self.batch))

    @abstractmethod
    def answer(self, questions: Sequence[Question], decoding: Decoding) -> list[Generation]:
        """Returns an answer to each question, in their order."""

    @abstractmethod
    def rank(self, questions: Sequence[Question]) -> list[Ranking]:
        """Returns the losses of each question's options, in the questions' order."""


class LanguageModelAnswerer(Answerer):
    """A language model that answers questions."""

    def __init__(self, llm: LanguageModel, *, batch: int) -> None:
        super().__init__(batch)
        self.llm = llm.eval()

    @abstractmethod
    def _conditioning(self, questions: Sequence[Question]) -> tuple[Conditioning, list[int]]:
        """Returns what answers are given besides the questions' words, and the row of it that each question has."""

    @torch.no_grad()
    def answer(self, questions: Sequence[Question], decoding: Decoding) -> list[Generation]:
        """Answers them; questions of like length share a batch."""
        texts: dict[int, str] = {}
        for group, conditioning, owner, prompts in self._batches(questions):
            texts |= zip(group, self.llm.generate(conditioning, prompts, decoding, owner), strict=True)
        return [Generation(question, texts[index]) for index, question in enumerate(questions)]

    @torch.no_grad()
    def rank(self, questions: Sequence[Question]) -> list[Ranking]:
        """Ranks the options of each; those of a question share its image and its words, which are read once."""
        ranked: dict[int, list[tuple[float, int]]] = {}
        for group, conditioning, owner, prompts in self._batches(questions):
            options = [questions[index].options for index in group]
            losses = self.llm.option_losses(conditioning.rows(owner), prompts, options)
            ranked |= zip(group, losses, strict=True)
        return [
            Ranking(question, *zip(*ranked[index], strict=True)) for index, question in enumerate(questions)
        ]

    def _length(self, question: Question) -> int:
        words = self.llm.words
        return len(words.pieces([words.after_image(question.prompt)])[0])

    def _batches(
        self, questions: Sequence[Question]
    ) -> Iterator[tuple[list[int], Conditioning, Tensor, list[str]]]:
        """Yields the positions of questions of like length, what they are given by which rows, and their prompts."""
        for group in self.groups(questions):
            batch = [questions[index] for index in group]
            prompts = [self.llm.words.after_image(question.prompt).text for question in batch]
            conditioning, owner = self._conditioning(batch)
            yield group, conditioning, torch.tensor(owner, device=self.llm.device), prompts


class BlindAnswerer(LanguageModelAnswerer):
    """A language model that is asked without the image."""

    def _conditioning(self, questions: Sequence[Question]) -> tuple[Conditioning, list[int]]:
        return blind(self.llm, 1), [0] * len(questions)


def groups(items: Iterator[T], size: int) -> Iterator[list[T]]:
    """Yields the items, `size` at a time."""
    group: list[T] = []
    for item in items:
        group.append(item)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
