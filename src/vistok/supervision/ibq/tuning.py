"""Lets the training loop tune a tokenizer together with the language model that reads it (ETT), with both losses."""

from typing import cast

import torch
from torch import Tensor, distributed

from vistok.datasets.mixture import Mixture
from vistok.errors import VistokError
from vistok.grid.ett_memory import positions_of
from vistok.grid.recipes import Recipe
from vistok.mllm.model import MultimodalModel
from vistok.supervision.ibq.learner import part_of
from vistok.supervision.ibq.tokenizer_loss import TokenizerLoss
from vistok.tokenizers.ibq_encoder import IbqTokenizer, in_a_row
from vistok.training.batches import Batch, by_length
from vistok.training.mllm import MultimodalLearner


class TuningLearner(MultimodalLearner):
    """A multimodal model whose tokenizer has a codebook, and what made that tokenizer.

    The loss is that of the answers and, `tokenizer_loss` times, that of the tokenizer on the same images. The gradient
    of the answers reaches all codes and the encoder through the straight-through one-hot.
    """

    def __init__(self, model: MultimodalModel, mixture: Mixture, recipe: Recipe, loss: TokenizerLoss) -> None:
        super().__init__(model, mixture, recipe)
        if not isinstance(model.tokenizer, IbqTokenizer):
            raise VistokError(
                f"the recipe {recipe.id!r} has a `tokenizer_loss`, which is of a tokenizer with a codebook, and reads "
                f"{model.tokenizer.encoder.name!r}, which has none. Leave it out, or name a tokenizer of ETT's."
            )
        self.loss = loss

    def trained_tensors(self) -> dict[str, Tensor]:
        own = {f"loss.{name}": tensor for name, tensor in self.loss.trained_tensors().items()}
        return super().trained_tensors() | own

    def cut(self, batch: Batch, positions: int) -> list[Batch]:
        """Cuts a share as any model's, but that an image takes more memory, for it is reconstructed, too.

        Each part carries how much of the share it is, and the weight of all answers of the step.
        """
        tokenizer, device = cast(IbqTokenizer, self.model.tokenizer), self.model.llm.device
        weight, images = _over_processes(batch["weights"].sum().to(device)), len(batch["images"])
        return [
            {**each, "part": torch.tensor(len(each["images"]) / images), "step_weight": weight}
            for each in by_length(batch, positions_of(tokenizer.trunk.size), positions)
        ]

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        tokenizer, connector = cast(IbqTokenizer, self.model.tokenizer), self.model.connector
        images = tokenizer.prepared(batch["images"])
        painted, quantised = tokenizer.trunk(images)
        seen: Tensor = connector(in_a_row(quantised.embeddings))
        answers, weight = self.model.llm.answer_loss(
            self.model.conditioning(seen), batch["ids"], batch["weights"], batch["mask"]
        )
        terms = torch.stack([*self.loss.terms(images, painted, quantised, part_of(batch)).values()])
        # All is divided by the weight of the step's answers later, and the tokenizer's loss is a mean over its images.
        # A share that is not cut passes here once, on every process.
        step = batch["step_weight"] if "step_weight" in batch else _over_processes(weight.clone())
        share = step * (len(images) / self.recipe.batch)
        return answers + self.recipe.tokenizer_loss * terms.sum() * share, weight


def _over_processes(number: Tensor) -> Tensor:
    """Returns the sum of a number over all processes, in its place."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.all_reduce(number)
    return number
