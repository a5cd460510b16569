"""What every pretraining objective keeps, and the one place where an objective is looked up by its id."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from typing import ClassVar, Final, final

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from vistok.datasets.order import examples_at
from vistok.errors import unknown
from vistok.grid.scale import Pretraining
from vistok.grid.values import Encoder
from vistok.supervision import augment
from vistok.supervision.data import Examples, Part, PretrainingData
from vistok.supervision.encoder import build_encoder, prepare

# One module an objective, imported only when it is asked for.
_MODULES: Final = {
    "supervised": "supervised",
    "dino": "dino",
    "masked-pixels": "masked_pixels",
    "dinov2": "dinov2",
    "contrastive": "contrastive",
}


_WHITENED: Final = 1000  # images that the patch embedding is whitened on


class Objective(nn.Module, ABC):
    """A pretraining objective: an encoder, whatever heads and teachers train it, and its loss.

    Everything that training changes is a parameter or a buffer, and all chance is drawn in `batch`: a saved
    state goes on bit for bit.

    Attributes:
        encoder: the encoder that gradients reach.
        defaults: the options that this objective knows, at their mini-scale values.
        needs: the parts of a row besides its pixels that supervise it.
    """

    defaults: ClassVar[Mapping[str, float]]
    needs: ClassVar[frozenset[Part]] = frozenset()

    def __init__(self, encoder: Encoder, pretraining: Pretraining, data: PretrainingData, seed: int) -> None:
        super().__init__()
        for part in sorted(self.needs):
            data.require(part, type(self).__module__.rpartition(".")[2])
        self.encoder = build_encoder(encoder)
        self.size = encoder.image_size
        self.normalisation = encoder.normalisation
        sample = data.examples(range(min(_WHITENED, len(data))), frozenset())
        prepare(self.encoder, augment.normalise(augment.from_bytes(sample.pixels), self.normalisation))
        self.pretraining = pretraining
        self.seed = seed
        for option in pretraining.options:
            if option not in self.defaults:
                raise unknown("pretraining option", option, self.defaults, edit=f"{type(self).__module__}")
        self.options = {**self.defaults, **pretraining.options}

    @abstractmethod
    def views(
        self,
        images: Float[Tensor, "batch 3 height width"],
        examples: Examples,
        rng: np.random.Generator,
    ) -> dict[str, Tensor]:
        """Returns what the loss needs of the images of one step, augmented.

        Args:
            images: the pixels of `examples`, from 0 to 1.
            examples: the step's images with the parts of their rows that the objective needs.
            rng: the only source of randomness.
        """

    @abstractmethod
    def loss(self, batch: dict[str, Tensor], step: int) -> Float[Tensor, ""]:
        """Returns the loss of one batch at a step, from 0."""

    def after_step(self, step: int) -> None:
        """Updates what gradients do not: to be called after each optimiser step."""

    def exported(self) -> nn.Module:
        """Returns what becomes the tokenizer, as the method's authors release it."""
        return self.encoder

    def forward(self, batch: dict[str, Tensor], step: int) -> Float[Tensor, ""]:
        """The loss, under the name that a data-parallel wrapper calls."""
        return self.loss(batch, step)

    @final
    def batch(self, data: PretrainingData, step: int) -> dict[str, Tensor]:
        """Returns the batch of a step: a pure function of the data, the seed and the step."""
        positions = batch_indices(len(data), self.pretraining.batch, step, self.seed)
        examples = data.examples(positions, self.needs)
        images = augment.from_bytes(examples.pixels)
        return self.views(images, examples, np.random.default_rng([self.seed, step]))


def batch_indices(images: int, batch: int, step: int, seed: int) -> Int64[np.ndarray, " batch"]:
    """Returns which images a step sees: each epoch is a new permutation, and no image is left over."""
    return examples_at(range(step * batch, (step + 1) * batch), images, seed)


def make_objective(
    objective: str, encoder: Encoder, pretraining: Pretraining, data: PretrainingData, seed: int
) -> Objective:
    """Builds an objective with random weights that depend on the seed alone.

    Args:
        objective: an id of `vistok.grid.values.Objective`.
        data: tells the number of classes and the words; the same must be given when training is resumed.

    Raises:
        VistokError: there is no such objective or option, or the data lacks what the objective needs.
    """
    if objective not in _MODULES:
        raise unknown("objective", objective, _MODULES, edit="src/vistok/supervision/base.py")
    module = import_module(f"vistok.supervision.{_MODULES[objective]}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built: Objective = module.build(encoder, pretraining, data, seed)
    return built
