"""Feature distillation: a student learns the whitened features of a teacher (FD, Wei et al. 2022)."""

from collections.abc import Mapping
from typing import ClassVar, Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from vistok.errors import VistokError
from vistok.supervision import augment
from vistok.supervision.base import Objective, Setup
from vistok.supervision.data import Examples
from vistok.supervision.draws import Draws
from vistok.supervision.encoder import embed, encode, initialise

_DEFAULTS: Final = {
    "beta": 2.0,  # FD code; GVT section 4.1
    "crop_least": 0.67,  # FD code: over 100 epochs; 0.08 over 300
}


class FeatureDistillation(Objective):
    """A student, from random weights unless it has a base, and a linear projection to the teacher's width.

    Both see the same crop, each normalised as its own weights were or will be used. The loss is over all tokens, the
    class token's too. FD's student has relative positions and drops paths; this one is the scale's plain encoder.
    """

    defaults: ClassVar[Mapping[str, float]] = _DEFAULTS
    shares_batches: ClassVar[bool] = True
    needs_teacher: ClassVar[bool] = True

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        assert setup.teacher is not None
        self.teacher = setup.teacher.requires_grad_(False).eval()
        taught, tokens = setup.teacher.encoder, 1 + self.encoder.patch_embed.num_patches
        if (taught.image_size, taught.tokens) != (self.size, tokens):
            raise VistokError(
                f"the teacher gives {taught.tokens} tokens for {taught.image_size} pixels, and its student {tokens} "
                f"for {self.size}: features are learnt token by token. Name a teacher with the tokens of the encoder."
            )
        # A 1 x 1 convolution over tokens.
        self.projection = nn.Linear(self.encoder.embed_dim, taught.width)
        initialise(self.projection)

    @override
    def views(
        self,
        images: Float[Tensor, "batch 3 height width"],
        examples: Examples,
        draws: Draws,
    ) -> dict[str, Tensor]:
        images = augment.random_crop(images, draws, self.size, (self.options["crop_least"], 1.0))
        return {
            "images": augment.normalise(images, self.normalisation),
            "taught": augment.normalise(images, self.teacher.encoder.normalisation),
        }

    @override
    def loss(self, batch: dict[str, Tensor], step: int) -> Float[Tensor, ""]:
        features = self.projection(encode(self.encoder, embed(self.encoder, batch["images"])))
        with torch.no_grad():
            target = whitened(self.teacher(batch["taught"]))
        return functional.smooth_l1_loss(features, target, beta=self.options["beta"])


def whitened(features: Float[Tensor, "batch tokens width"]) -> Float[Tensor, "batch tokens width"]:
    """Returns each token with its own mean and deviation taken out: a LayerNorm without parameters."""
    return functional.layer_norm(features, features.shape[-1:])


build = FeatureDistillation
