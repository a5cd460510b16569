"""Open-vocabulary detection: a CLIP is fine-tuned to tell a box and what it holds from each token (OWL-ViT, 2022)."""

from typing import ClassVar, Final

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from vistok.supervision.base import Setup
from vistok.supervision.detection import BoxHead, prior_logit
from vistok.supervision.detector import Detector
from vistok.supervision.text import IMAGE_PROJECTION, TextTower

_TEMPLATES: Final = ("a {}",)  # OWL-ViT code: seven of CLIP's; the texts of a small world know fewer words


class OwlVit(Detector):
    """The encoder and its heads learn end to end; the text tower, which its code trains at 1/25 of the rate, stays.

    A token is compared with the name of every category of the image set: there is no need to draw some that are absent.
    """

    queries: Tensor
    needs_base: ClassVar[bool] = True

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
    def logits(self, merged: Float[Tensor, "batch patches width"]) -> Float[Tensor, "batch patches names"]:
        """Returns how much each token is worth each name: a shifted and scaled cosine (OWL-ViT code)."""
        cosine = functional.normalize(self.class_head(merged), dim=-1) @ self.queries.T
        logits: Tensor = (cosine + self.shift(merged)) * (functional.elu(self.scale(merged)) + 1)
        return logits


build = OwlVit
