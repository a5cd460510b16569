"""Feature distillation: a student learns the whitened features of a teacher (FD, Wei et al. 2022)."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

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
from vistok.supervision.encoder import initialise, is_plain
from vistok.tokenizers.base import build_tokenizer

_DEFAULTS: Final = {
    "beta": 2.0,  # FD code; GVT section 4.1
    "aligned": 0,  # 1: whole images, in place of resized crops
    "crop_least": 0.67,  # FD code: over 100 epochs; 0.08 over 300
}


class FeatureDistillation(Objective):
    """A student, from random weights unless it has a base, and a linear projection to the teacher's width.

    Both see the same crop, each normalised as its own weights were or will be used. The loss is over all tokens, the
    class token's too. The student is any encoder of timm; FD's has relative positions and drops paths, which an
    entry's `arguments` can say.
    """

    defaults: ClassVar[Mapping[str, float]] = _DEFAULTS
    shares_batches: ClassVar[bool] = True
    needs_teacher: ClassVar[bool] = True
    undecayed: ClassVar[frozenset[str]] = frozenset({"cls_token", "pos_embed"})  # FD code: no_weight_decay

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        assert setup.teacher is not None
        self.teacher = setup.teacher.requires_grad_(False).eval()
        taught, own = setup.teacher.encoder, setup.encoder
        if (taught.image_size, taught.tokens) != (own.image_size, own.tokens):
            raise VistokError(
                f"the teacher gives {taught.tokens} tokens for {taught.image_size} pixels, and its student "
                f"{own.tokens} for {own.image_size}: features are learnt token by token. Name a teacher with as many."
            )
        # A 1 x 1 convolution over tokens.
        self.projection = nn.Linear(own.width, taught.width)
        initialise(self.projection)

    @override
    def untrained(self, setup: Setup) -> Any:
        trunk = build_tokenizer(setup.encoder.model_copy(update={"final_norm": True})).trunk
        return super().untrained(setup) if is_plain(trunk) else trunk

    @override
    def views(
        self,
        images: Float[Tensor, "batch 3 height width"],
        examples: Examples,
        draws: Draws,
    ) -> dict[str, Tensor]:
        images = self.crops(images, draws, self.size, (self.options["crop_least"], 1.0))
        return {
            "images": augment.normalise(images, self.normalisation),
            "taught": augment.normalise(images, self.teacher.encoder.normalisation),
        }

    @override
    def loss(self, batch: dict[str, Tensor], step: int) -> Float[Tensor, ""]:
        features = self.projection(self.encoder.forward_features(batch["images"]))
        with torch.no_grad():
            target = whitened(self.teacher(batch["taught"]))
        return functional.smooth_l1_loss(features, target, beta=self.options["beta"])


def whitened(features: Float[Tensor, "batch tokens width"]) -> Float[Tensor, "batch tokens width"]:
    """Returns each token with its own mean and deviation taken out: a LayerNorm without parameters."""
    return functional.layer_norm(features, features.shape[-1:])


build = FeatureDistillation
