"""The common parts of objectives that teach detection: views with boxes, and the loss per token (OWL-ViT)."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from jaxtyping import Float, Int64
from torch import Tensor
from typing_extensions import override

from vistok.supervision import augment
from vistok.supervision.base import Objective
from vistok.supervision.data import AnnotationKind, Examples
from vistok.supervision.detection import FOCAL_DEFAULTS, BoxHead, detection_loss, mirror_some, padded
from vistok.supervision.draws import Draws
from vistok.supervision.encoder import embed, encode


class Detector(Objective):
    """An encoder with heads that predict a box and a class from each patch token.

    Attributes:
        box_head: what tells the boxes, built by the objective.
    """

    box_head: BoxHead
    defaults: ClassVar[Mapping[str, float]] = FOCAL_DEFAULTS
    needs: ClassVar[frozenset[AnnotationKind]] = frozenset({"objects"})
    shares_batches: ClassVar[bool] = True

    @abstractmethod
    def logits(self, merged: Float[Tensor, "batch patches width"]) -> Float[Tensor, "batch patches classes"]:
        """Returns how much each token is worth each class."""

    def classes(self, categories: Int64[Tensor, "batch most"]) -> Int64[Tensor, "batch most"]:
        """Returns the classes of objects by their categories; -1 stays: no object."""
        return categories

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
        return {"images": normalised, "boxes": boxes, "categories": self.classes(categories)}

    @override
    def loss(self, batch: dict[str, Tensor], step: int) -> Float[Tensor, ""]:
        merged, boxes = self.box_head(encode(self.encoder, embed(self.encoder, batch["images"])))
        return detection_loss(self.logits(merged), boxes, batch["boxes"], batch["categories"], self.options)
