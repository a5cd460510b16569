"""Answers questions about images with an MLLM, every image encoded once."""

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from vistok.evaluation.answer.generation import LanguageModelAnswerer, Question, groups
from vistok.mllm.language_models.base import Conditioning
from vistok.mllm.model import MultimodalModel


class SeeingAnswerer(LanguageModelAnswerer):
    """An MLLM that has seen a set of images and answers questions about them."""

    def __init__(self, model: MultimodalModel, *, batch: int) -> None:
        super().__init__(model.llm, batch=batch)
        self.model = model.eval()
        self.seen: dict[str, Float[Tensor, "latents width"]] = {}

    @torch.no_grad()
    def look(self, images: Iterator[tuple[str, Shaped[np.ndarray, "3 size size"]]]) -> None:
        """Encodes images, as the tokenizer's reader shows them, once for all questions about them."""
        for group in groups(images, self.batch):
            pixels = torch.from_numpy(np.stack([image for _, image in group])).to(self.llm.device)
            # Kept off the GPU: the visual tokens of 8,000 photographs take 4 GB.
            self.seen |= dict(zip((name for name, _ in group), self.model.see(pixels).cpu(), strict=True))

    def look_anew(self, images: Iterator[tuple[str, Shaped[np.ndarray, "3 size size"]]]) -> None:
        """Encodes images, and forgets those that it has seen before."""
        self.seen.clear()
        self.look(images)

    def groups(self, questions: Sequence[Question]) -> list[list[int]]:
        """Returns which questions share a batch: those about the same images, which are read once for all of them.

        Images whose longest questions are of like length come together.
        """
        if self.model.connector.reads_question:
            return super().groups(questions)
        if len(questions) <= self.batch:
            return [[*range(len(questions))]] if questions else []
        lengths, about = [self._length(question) for question in questions], dict[str, list[int]]()
        for index, question in enumerate(questions):
            about.setdefault(question.image_id, []).append(index)
        together = sorted(about.values(), key=lambda indices: max(lengths[index] for index in indices))
        return list(groups(chain.from_iterable(together), self.batch))

    def _conditioning(self, questions: Sequence[Question]) -> tuple[Conditioning, list[int]]:
        """One row an image, or a question where the connector reads it."""
        images = [question.image_id for question in questions]
        reads = self.model.connector.reads_question
        rows = {image: row for row, image in enumerate(dict.fromkeys(images))}
        owner = list(range(len(images))) if reads else [rows[image] for image in images]
        seen = torch.stack([self.seen[image] for image in (images if reads else rows)]).to(self.llm.device)
        return self.model.conditioning(seen, [question.prompt for question in questions]), owner
