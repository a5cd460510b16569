"""Region proposals: boxes of anything at all, learnt on annotated images, for an objective that has none of its own.

What RegionCLIP takes from a region proposal network that was trained on LVIS; here tokens tell the boxes.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from vistok.supervision import augment
from vistok.supervision.base import Objective, Setup
from vistok.supervision.data import Examples, Part
from vistok.supervision.detection import (
    FOCAL_DEFAULTS,
    BoxHead,
    detection_loss,
    mirror_some,
    padded,
    prior_logit,
)
from vistok.supervision.draws import Draws
from vistok.supervision.encoder import embed, encode
from vistok.supervision.heads import Heads
from vistok.supervision.proposing import BOX_HEAD, WORTH

_DEFAULTS: Final = {**FOCAL_DEFAULTS}


class RegionProposals(Objective):
    """Every object is of the one class "anything"."""

    defaults: ClassVar[Mapping[str, float]] = _DEFAULTS
    needs: ClassVar[frozenset[Part]] = frozenset({"objects"})
    shares_batches: ClassVar[bool] = True

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        width = self.encoder.embed_dim
        self.box_head = BoxHead(width, self.encoder.patch_embed.grid_size)
        self.worth = nn.Linear(width, 1)
        nn.init.constant_(self.worth.bias, prior_logit())

    @override
    def views(
        self,
        images: Float[Tensor, "batch 3 height width"],
        examples: Examples,
        draws: Draws,
    ) -> dict[str, Tensor]:
        assert examples.regions is not None
        images, mirrored = mirror_some(images, draws)
        boxes, categories = padded(examples.regions, mirrored)
        normalised = augment.normalise(images, self.normalisation)
        return {"images": normalised, "boxes": boxes, "categories": categories.clamp(max=0)}

    @override
    def loss(self, batch: dict[str, Tensor], step: int) -> Float[Tensor, ""]:
        merged, boxes = self.box_head(encode(self.encoder, embed(self.encoder, batch["images"])))
        return detection_loss(self.worth(merged), boxes, batch["boxes"], batch["categories"], self.options)

    @override
    def heads(self) -> Heads:
        parts = {BOX_HEAD: self.box_head, WORTH: self.worth}
        return super().heads().with_modules(parts)


build = RegionProposals
