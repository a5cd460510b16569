"""Region proposals: boxes of anything at all, learnt on annotated images, for an objective that has none of its own.

What RegionCLIP takes from a region proposal network that was trained on LVIS; here tokens tell the boxes.
"""

from jaxtyping import Float, Int64
from torch import Tensor, nn
from typing_extensions import override

from vistok.supervision.base import Setup
from vistok.supervision.detection import BoxHead, prior_logit
from vistok.supervision.detector import Detector
from vistok.supervision.heads import Heads
from vistok.supervision.proposing import BOX_HEAD, WORTH


class RegionProposals(Detector):
    """Every object is of the one class "anything"."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        width = self.encoder.embed_dim
        self.box_head = BoxHead(width, self.encoder.patch_embed.grid_size)
        self.worth = nn.Linear(width, 1)
        nn.init.constant_(self.worth.bias, prior_logit())

    @override
    def logits(self, merged: Float[Tensor, "batch patches width"]) -> Float[Tensor, "batch patches 1"]:
        logits: Tensor = self.worth(merged)
        return logits

    @override
    def classes(self, categories: Int64[Tensor, "batch most"]) -> Int64[Tensor, "batch most"]:
        return categories.clamp(max=0)

    @override
    def heads(self) -> Heads:
        modules = {BOX_HEAD: self.box_head, WORTH: self.worth}
        return super().heads().with_modules(modules)


build = RegionProposals
