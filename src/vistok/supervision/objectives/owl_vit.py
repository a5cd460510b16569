"""Open-vocabulary detection: a CLIP is fine-tuned to tell a box and what it holds from each token (OWL-ViT, 2022)."""

from collections.abc import Mapping
from typing import ClassVar, Final

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
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
from vistok.supervision.text import IMAGE_PROJECTION, TextTower

_DEFAULTS: Final = {**FOCAL_DEFAULTS}
_TEMPLATES: Final = ("a {}",)  # OWL-ViT code: seven of CLIP's; the texts of a small world know fewer words


class OwlVit(Objective):
    """The encoder and its heads learn end to end; the text tower, which its code trains at 1/25 of the rate, stays.

    A token is compared with the name of every category of the image set: there is no need to draw some that are absent.
    """

    queries: Tensor
    defaults: ClassVar[Mapping[str, float]] = _DEFAULTS
    needs: ClassVar[frozenset[Part]] = frozenset({"objects"})
    needs_base: ClassVar[bool] = True
    shares_batches: ClassVar[bool] = True

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        heads, width = setup.heads_of("base"), self.encoder.embed_dim
        names = setup.data.shards.categories
        self.register_buffer("queries", TextTower(heads).names(names, _TEMPLATES))
        self.box_head = BoxHead(width, self.encoder.patch_embed.grid_size)
        self.class_head = nn.Linear(width, self.queries.shape[1], bias=False)
        heads.load(IMAGE_PROJECTION, self.class_head)
        self.shift, self.scale = nn.Linear(width, 1), nn.Linear(width, 1)
        nn.init.constant_(self.shift.bias, prior_logit())

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
        return {
            "images": augment.normalise(images, self.normalisation),
            "boxes": boxes,
            "categories": categories,
        }

    @override
    def loss(self, batch: dict[str, Tensor], step: int) -> Float[Tensor, ""]:
        merged, boxes = self.box_head(encode(self.encoder, embed(self.encoder, batch["images"])))
        return detection_loss(self.named(merged), boxes, batch["boxes"], batch["categories"], self.options)

    def named(self, merged: Float[Tensor, "batch patches width"]) -> Float[Tensor, "batch patches names"]:
        """Returns how much each token is worth each name: a shifted and scaled cosine (OWL-ViT code)."""
        cosine = functional.normalize(self.class_head(merged), dim=-1) @ self.queries.T
        worth: Tensor = (cosine + self.shift(merged)) * (functional.elu(self.scale(merged)) + 1)
        return worth


build = OwlVit
