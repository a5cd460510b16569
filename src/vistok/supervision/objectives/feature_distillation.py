"""Feature distillation: a student learns the whitened features of a teacher (FD, Wei et al. 2022)."""

from collections.abc import Mapping
from typing import ClassVar, Final

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional
from typing_extensions import override

from vistok.supervision.base import Setup
from vistok.supervision.feature_prediction import SHARED_DEFAULTS, FeaturePrediction

_DEFAULTS: Final = {
    **SHARED_DEFAULTS,
    "beta": 2.0,  # FD code; GVT section 4.1
    "aligned": 0,  # 1: whole images, in place of resized crops
    "crop_least": 0.67,  # FD code: over 100 epochs; 0.08 over 300
    "drop_path": 0.0,  # FD code: 0.1 to 0.3, of 12 or 24 blocks
}


class FeatureDistillation(FeaturePrediction):
    """Nothing is hidden, and every token counts, the class token too; a share may be hidden to ask what that does."""

    defaults: ClassVar[Mapping[str, float]] = _DEFAULTS
    undecayed: ClassVar[frozenset[str]] = frozenset({"cls_token", "pos_embed"})  # FD code: no_weight_decay

    @override
    def target_width(self, setup: Setup) -> int:
        return self.teacher.encoder.width

    @override
    def target(self, features: Float[Tensor, "batch tokens taught"]) -> Float[Tensor, "batch tokens taught"]:
        return whitened(features)

    @override
    def token_losses(
        self, predicted: Float[Tensor, "batch tokens taught"], target: Float[Tensor, "batch tokens taught"]
    ) -> Float[Tensor, "batch tokens"]:
        return functional.smooth_l1_loss(predicted, target, reduction="none", beta=self.options["beta"]).mean(
            -1
        )

    @override
    def counted(
        self, losses: Float[Tensor, "batch tokens"], hidden: Bool[Tensor, "batch patches"] | None
    ) -> Float[Tensor, " counted"]:
        return losses.flatten()


def whitened(features: Float[Tensor, "batch tokens width"]) -> Float[Tensor, "batch tokens width"]:
    """Returns each token with its own mean and deviation taken out: a LayerNorm without parameters."""
    return functional.layer_norm(features, features.shape[-1:])


build = FeatureDistillation
