"""Answers questions by batched generation, whatever stands in the place of the image."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import (
    GenerationConfig,
    LogitsProcessorList,
    PreTrainedModel,
    RepetitionPenaltyLogitsProcessor,
)

from vistok.grid.values import Decoding
from vistok.mllm.prompt import PromptEncoder

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """One question as it is asked: its id in the official file, its image, and the whole prompt."""

    id: int | str
    image_id: str
    prompt: str


@dataclass(frozen=True, slots=True)
class Generation:
    """What the model said, word for word."""

    question: Question
    text: str


class Answerer(ABC):
    """A language model that answers questions behind a front, which ends where the image does.

    A batch is padded on the left and positions are counted from the mask, so that its size does not change
    an answer.
    """

    def __init__(self, llm: PreTrainedModel, encoder: PromptEncoder, *, batch: int) -> None:
        self.llm = llm.eval()
        self.encoder = encoder
        self.batch = batch
        self.device = next(llm.parameters()).device

    @abstractmethod
    def _front(self, questions: Sequence[Question]) -> Float[Tensor, "batch front width"]:
        """Returns the embeddings of what stands in front of the questions' words."""

    @torch.no_grad()
    def answer(self, questions: Sequence[Question], decoding: Decoding) -> list[Generation]:
        """Returns an answer to each question, in their order; questions of like length share a batch."""
        rows = [self.encoder.pieces([self.encoder.after_image(question.prompt)])[0] for question in questions]
        order = sorted(range(len(rows)), key=lambda place: (len(rows[place]), place))
        texts: dict[int, str] = {}
        for group in groups(iter(order), self.batch):
            said = self._generate(
                [questions[place] for place in group], [rows[place] for place in group], decoding
            )
            texts |= dict(zip(group, said, strict=True))
        return [Generation(question, texts[place]) for place, question in enumerate(questions)]

    def _generate(self, questions: list[Question], rows: list[list[int]], decoding: Decoding) -> list[str]:
        tokens = self.encoder.pad([(row, [0.0] * len(row)) for row in rows], left=True)
        front, ids = self._front(questions), tokens.ids.to(self.device)
        embedded, mask = self._left_padded(front, ids, tokens.mask.to(self.device))
        said = cast(Any, self.llm).generate(
            inputs_embeds=embedded,
            attention_mask=mask,
            logits_processor=_penalties(decoding),
            generation_config=GenerationConfig(
                num_beams=decoding.beams,
                max_new_tokens=decoding.max_new_tokens,
                repetition_penalty=1.0,
                length_penalty=decoding.length_penalty,
                do_sample=False,
                bos_token_id=self.encoder.before_image[0],
                eos_token_id=self.encoder.end,
                pad_token_id=self.encoder.end,
            ),
        )
        return [text.strip() for text in self.encoder.tokenizer.batch_decode(said, skip_special_tokens=True)]

    def _left_padded(self, front: Tensor, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Puts padding before the front: rows of one batch end together and start apart."""
        words = self.llm.get_input_embeddings()(ids)
        embedded = torch.cat([front.to(words.dtype), words], dim=1)
        whole = torch.cat([mask.new_ones(len(mask), front.shape[1]), mask], dim=1)
        # Padding stands between front and prompt here; a stable sort by the mask moves it before both.
        order = whole.argsort(dim=1, stable=True)
        return embedded.gather(1, order[..., None].expand_as(embedded)), whole.gather(1, order)


class BlindAnswerer(Answerer):
    """A language model that is asked without the image: the same sequence, with no token between the marks."""

    def _front(self, questions: Sequence[Question]) -> Tensor:
        before = torch.tensor(self.encoder.before_image, device=self.device).expand(len(questions), -1)
        return cast(Tensor, self.llm.get_input_embeddings()(before))


def _penalties(decoding: Decoding) -> LogitsProcessorList:
    """Returns the repetition penalty on what was said so far.

    Left to itself, `generate` spares as many of a row's first words as the row has padding in front: it takes
    them for padded words of a prompt, which embeddings have not. A batch would then change an answer.
    """
    if decoding.repetition_penalty == 1.0:
        return LogitsProcessorList()
    return LogitsProcessorList([RepetitionPenaltyLogitsProcessor(decoding.repetition_penalty)])


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
