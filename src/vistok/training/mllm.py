"""Trains an MLLM on the mixture: images with their question turns."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vistok.datasets.mixture import Mixture, Turn
from vistok.grid.recipes import Recipe
from vistok.mllm.model import MultimodalModel
from vistok.mllm.prompt import Piece
from vistok.training.batches import Batch, by_length
from vistok.training.learner import Learner


class MultimodalLearner(Learner):
    """A multimodal model with its mixture; one position of the mixture is one image with its turns."""

    def __init__(self, model: MultimodalModel, mixture: Mixture, recipe: Recipe) -> None:
        super().__init__()
        self.model = model
        self.words = model.llm.words
        self.mixture = mixture
        self.recipe = recipe
        self._rates = {name: rate for part, rate in recipe.rates.items() for name in model.tensors_of(part)}

    def rate(self, name: str) -> float:
        return self._rates.get(name.removeprefix("model."), 1.0)

    def trained_tensors(self) -> dict[str, Tensor]:
        return {f"model.{name}": tensor for name, tensor in self.model.trained_tensors().items()}

    def batch(self, step: int, process: int, processes: int) -> Batch:
        size = self.recipe.batch
        samples = [
            self.mixture.sample(position)
            for position in range(step * size + process, (step + 1) * size, processes)
        ]
        tokens = self.words.pad([self.words.pieces(self._pieces(sample.turns)) for sample in samples])
        return {"images": torch.from_numpy(np.stack([sample.image for sample in samples])), **tokens.state()}

    def _pieces(self, turns: Sequence[Turn]) -> list[Piece]:
        pieces: list[Piece] = []
        for turn in turns:
            weight = self.recipe.short_answer_weight if turn.short else 1.0
            prompt = Piece(turn.prompt) if pieces else self.words.after_image(turn.prompt)
            pieces += [prompt, Piece(turn.answer, weight=weight, ends=True)]
        return pieces

    def cut(self, batch: Batch, positions: int) -> list[Batch]:
        return by_length(batch, self.recipe.connector.front(self.model.tokenizer.encoder.tokens), positions)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return self.model.loss(batch["images"], batch["ids"], batch["weights"], batch["mask"])
