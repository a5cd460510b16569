"""What every pretraining objective keeps, and the one place where an objective is looked up by its id."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import ClassVar, Final, final

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor, nn

from vistok.datasets.order import examples_at
from vistok.errors import VistokError, unknown
from vistok.grid.scale import Pretraining
from vistok.grid.values import Encoder
from vistok.supervision import augment
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


@dataclass(frozen=True, eq=False)
class PretrainingData:
    """The images of one pretraining set, in memory, with what supervises them.

    Attributes:
        pixels: RGB, one size for all.
        labels: one class an image, from 0 (supervised only).
        texts: one text an image (contrastive only).

    Raises:
        VistokError: the arrays do not belong together.
    """

    pixels: UInt8[np.ndarray, "images height width 3"]
    labels: Int64[np.ndarray, " images"] | None = None
    texts: list[str] | None = None

    def __post_init__(self) -> None:
        if self.pixels.ndim != 4 or self.pixels.shape[-1] != 3 or self.pixels.dtype != np.uint8:
            raise VistokError(
                f"pretraining needs RGB images as bytes, [images, height, width, 3]; found "
                f"{self.pixels.dtype} {list(self.pixels.shape)}."
            )
        if len(self.pixels) == 0:
            raise VistokError("the pretraining set has no images. Check the scale's `image_sets`.")
        for name, values in (("labels", self.labels), ("texts", self.texts)):
            if values is not None and len(values) != len(self.pixels):
                raise VistokError(
                    f"the pretraining set has {len(self.pixels)} images and {len(values)} {name}; one for "
                    "each is needed. Make its shards again."
                )


class Objective(nn.Module, ABC):
    """A pretraining objective: an encoder, whatever heads and teachers train it, and its loss.

    Everything that training changes is a parameter or a buffer, and all chance is drawn in `batch`: a saved
    state goes on bit for bit.

    Attributes:
        encoder: the encoder that gradients reach.
        defaults: the options that this objective knows, at their mini-scale values.
    """

    defaults: ClassVar[Mapping[str, float]]

    def __init__(self, encoder: Encoder, pretraining: Pretraining, data: PretrainingData, seed: int) -> None:
        super().__init__()
        self.encoder = build_encoder(encoder)
        self.size = encoder.image_size
        self.normalisation = encoder.normalisation
        sample = augment.from_bytes(data.pixels[:_WHITENED])
        prepare(self.encoder, augment.normalise(sample, self.normalisation))
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
        chosen: PretrainingData,
        chance: np.random.Generator,
    ) -> dict[str, Tensor]:
        """Returns what the loss needs of the images of one step, augmented.

        Args:
            images: the pixels of `chosen`, from 0 to 1.
            chosen: the step's images with their labels and texts.
            chance: the only source of randomness.
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
        rows = batch_indices(len(data.pixels), self.pretraining.batch, step, self.seed)
        chosen = PretrainingData(
            pixels=data.pixels[rows],
            labels=None if data.labels is None else data.labels[rows],
            texts=None if data.texts is None else [data.texts[row] for row in rows],
        )
        return self.views(augment.from_bytes(chosen.pixels), chosen, np.random.default_rng([self.seed, step]))


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
