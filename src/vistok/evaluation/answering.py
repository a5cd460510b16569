"""Answers questions about images with an MLLM: batched generation, every image encoded once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from transformers import GenerationConfig

from vistok.grid.values import Decoding
from vistok.mllm.model import MultimodalModel
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


class Answerer:
    """An MLLM that has seen a set of images and answers questions about them.

    A batch is padded on the left and positions are counted from the mask, so that its size does not change
    an answer.
    """

    def __init__(self, model: MultimodalModel, encoder: PromptEncoder, *, batch: int) -> None:
        self.model = model.eval()
        self.encoder = encoder
        self.batch = batch
        self.device = next(model.parameters()).device
        self.seen: dict[str, Float[Tensor, "latents width"]] = {}

    @torch.no_grad()
    def look(self, images: Iterator[tuple[str, Float[np.ndarray, "3 size size"]]]) -> None:
        """Encodes images once for all questions about them."""
        for group in _groups(images, self.batch):
            pixels = torch.from_numpy(np.stack([image for _, image in group])).to(self.device)
            self.seen |= dict(zip((name for name, _ in group), self.model.see(pixels), strict=True))

    @torch.no_grad()
    def answer(self, questions: Sequence[Question], decoding: Decoding) -> list[Generation]:
        """Returns an answer to each question, in their order; questions of like length share a batch."""
        rows = [self.encoder.pieces([self.encoder.after_image(question.prompt)])[0] for question in questions]
        order = sorted(range(len(rows)), key=lambda place: (len(rows[place]), place))
        texts: dict[int, str] = {}
        for group in _groups(iter(order), self.batch):
            said = self._generate(
                [questions[place] for place in group], [rows[place] for place in group], decoding
            )
            texts |= dict(zip(group, said, strict=True))
        return [Generation(question, texts[place]) for place, question in enumerate(questions)]

    def _generate(self, questions: list[Question], rows: list[list[int]], decoding: Decoding) -> list[str]:
        tokens = self.encoder.pad([(row, [0.0] * len(row)) for row in rows], left=True)
        seen = torch.stack([self.seen[question.image_id] for question in questions])
        embedded, mask = self._left_padded(seen, tokens.ids.to(self.device), tokens.mask.to(self.device))
        ids = cast(Any, self.model.llm).generate(
            inputs_embeds=embedded,
            attention_mask=mask,
            generation_config=GenerationConfig(
                num_beams=decoding.beams,
                max_new_tokens=decoding.max_new_tokens,
                repetition_penalty=decoding.repetition_penalty,
                length_penalty=decoding.length_penalty,
                do_sample=False,
                bos_token_id=self.encoder.before_image[0],
                eos_token_id=self.encoder.end,
                pad_token_id=self.encoder.end,
            ),
        )
        return [text.strip() for text in self.encoder.tokenizer.batch_decode(ids, skip_special_tokens=True)]

    def _left_padded(self, seen: Tensor, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Puts padding in front of the image: rows of one batch end together and start apart."""
        before = torch.tensor(self.encoder.before_image, device=self.device)
        embedded = self.model.embed(before, seen, ids)
        front = embedded.shape[1] - ids.shape[1]
        whole = torch.cat([mask.new_ones(len(mask), front), mask], dim=1)
        # Padding stands between image and prompt here; a stable sort by the mask moves it to the front.
        order = whole.argsort(dim=1, stable=True)
        return embedded.gather(1, order[..., None].expand_as(embedded)), whole.gather(1, order)


def _groups(items: Iterator[T], size: int) -> Iterator[list[T]]:
    group: list[T] = []
    for item in items:
        group.append(item)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
