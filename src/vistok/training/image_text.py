"""Trains a Q-Former on images and their captions, before a language model reads it: BLIP-2's first stage."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from vistok.datasets.mixture import Mixture, Turn
from vistok.errors import VistokError
from vistok.grid.connectors import QFormer
from vistok.grid.recipes import Recipe
from vistok.mllm.connectors.q_former import QFormerConnector
from vistok.mllm.image_text import Captions, ImageText
from vistok.mllm.model import MultimodalModel
from vistok.mllm.prompt import Piece
from vistok.training.batches import Batch
from vistok.training.mllm import MultimodalLearner


class ImageTextLearner(MultimodalLearner):
    """A Q-Former and its reader of text, on the captions of the mixture; the language model is not used."""

    def __init__(self, model: MultimodalModel, mixture: Mixture, recipe: Recipe) -> None:
        super().__init__(model, mixture, recipe)
        if not isinstance(model.connector, QFormerConnector) or not isinstance(recipe.connector, QFormer):
            raise VistokError(
                f"image-text training is for a connector of kind q-former, found {recipe.connector.kind!r}."
            )
        self.reader = ImageText(
            model.connector.former, len(model.llm.words.tokenizer), recipe.connector.feedforward_multiple
        )
        for layer in model.connector.projection_layers:
            layer.requires_grad_(False)  # nothing reads its output yet

    def trained_tensors(self) -> dict[str, Tensor]:
        own = {f"reader.{name}": tensor for name, tensor in self.reader.state_dict().items()}
        return super().trained_tensors() | own

    def cut(self, batch: Batch, positions: int) -> list[Batch]:
        """Splits a share into micro-batches of equal size in its order: their images are each other's negatives.

        Each has at least two images, or all of the share.
        """
        rows, length = batch["mask"].shape
        size = max(
            2, positions // (self.recipe.connector.front(self.model.tokenizer.encoder.tokens) + length)
        )
        split = {name: tensor.tensor_split(max(1, rows // size)) for name, tensor in batch.items()}
        return [dict(zip(split, tensors, strict=True)) for tensors in zip(*split.values(), strict=True)]

    def _pieces(self, turns: Sequence[Turn]) -> list[Piece]:
        return [Piece(turns[0].answer, weight=1.0, ends=True)]

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        connector, images = cast(QFormerConnector, self.model.connector), batch["images"]
        with torch.no_grad():
            tokens = connector.whitened(self.model.tokenizer(self.model.tokenizer.prepared(images)))
        captions = Captions(batch["ids"], batch["mask"] > 0)
        losses = self.reader.losses(connector.former, connector.norm(tokens), captions)
        count = torch.tensor(float(len(images)), device=images.device)
        return torch.stack(losses).sum() * count, count
