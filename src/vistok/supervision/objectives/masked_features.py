"""Masked features: a student predicts a CLIP's features of the patches that are hidden from it (EVA, Fang et al. 2023).

MVP (Wei et al. 2022) does the same with BEiT's encoder.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from vistok.supervision.base import Setup
from vistok.supervision.feature_prediction import SHARED_DEFAULTS, FeaturePrediction
from vistok.supervision.text import IMAGE_PROJECTION

_DEFAULTS: Final = {
    **SHARED_DEFAULTS,
    "mask_share": 0.41,  # EVA code: 105 of 256 patches
    "aligned": 0,  # 1: whole images, in place of resized crops
    "crop_least": 0.2,  # EVA code
    "drop_path": 0.0,  # EVA code: 0.1, of 40 blocks
}


class MaskedFeatures(FeaturePrediction):
    """The target is in the space where the teacher's images meet their texts; only hidden patches count.

    If nothing is masked, which is not a published method but shows the effect of masking, every patch counts.
    """

    defaults: ClassVar[Mapping[str, float]] = _DEFAULTS
    undecayed: ClassVar[frozenset[str]] = frozenset({"cls_token", "pos_embed", "mask_token"})  # EVA code

    @override
    def target_width(self, setup: Setup) -> int:
        weight = setup.heads_of("teacher").part(IMAGE_PROJECTION)["weight"]
        self.teacher_projection = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        self.teacher_projection.load_state_dict({"weight": weight})
        self.teacher_projection.requires_grad_(False)
        return weight.shape[0]

    @override
    def target(self, features: Float[Tensor, "batch tokens taught"]) -> Float[Tensor, "batch tokens target"]:
        projected: Tensor = self.teacher_projection(features)
        return projected

    @override
    def token_losses(
        self, predicted: Float[Tensor, "batch tokens target"], target: Float[Tensor, "batch tokens target"]
    ) -> Float[Tensor, "batch tokens"]:
        return -functional.cosine_similarity(predicted, target, dim=-1)

    @override
    def counted(
        self, losses: Float[Tensor, "batch tokens"], hidden: Bool[Tensor, "batch patches"] | None
    ) -> Float[Tensor, " counted"]:
        patches = losses[:, -self.patches :]
        return patches.flatten() if hidden is None else patches[hidden]


build = MaskedFeatures
