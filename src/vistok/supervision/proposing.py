"""Proposes regions of an image, with what the objective region-proposals has learnt; no true box is looked at."""

from typing import Final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torchvision.ops import nms

from vistok.supervision.detection import BoxHead
from vistok.supervision.heads import Heads, behind_norm
from vistok.tokenizers.base import VisualTokenizer

BOX_HEAD: Final = "box_head"
WORTH: Final = "worth"


class Proposer(nn.Module):
    """A frozen encoder with the heads that tell boxes, and how likely each holds anything."""

    def __init__(self, tokenizer: VisualTokenizer, heads: Heads) -> None:
        """Builds it from a tokenizer of the objective region-proposals.

        Raises:
            VistokError: the tokenizer was pretrained under another objective.
        """
        super().__init__()
        self.tokenizer = behind_norm(tokenizer, heads)
        width = tokenizer.encoder.width
        self.box_head = BoxHead(width, self.tokenizer.trunk.patch_embed.grid_size)
        self.worth = nn.Linear(width, 1)
        heads.load(BOX_HEAD, self.box_head)
        heads.load(WORTH, self.worth)
        self.requires_grad_(False).eval()

    @torch.no_grad()
    def forward(
        self, images: Float[Tensor, "batch 3 size size"], count: int, overlap: float
    ) -> tuple[Float[Tensor, "batch count 4"], Bool[Tensor, "batch count"]]:
        """Returns the most likely boxes of each image that overlap little, and which of them there are.

        Args:
            images: normalised as the proposer's weights need it.
            count: boxes an image at most; where there are fewer, the whole image fills the places.
            overlap: two boxes that overlap more, as intersection by union, are one.
        """
        merged, boxes = self.box_head(self.tokenizer(images))
        scores = self.worth(merged)[..., 0]
        full_image = torch.tensor([0.0, 0.0, 1.0, 1.0], device=images.device)
        proposals = full_image.repeat(len(images), count, 1)
        valid = torch.zeros(len(images), count, dtype=torch.bool, device=images.device)
        for row, (box, score) in enumerate(zip(boxes.clamp(0, 1), scores, strict=True)):
            selected = nms(box, score, overlap)[:count]
            proposals[row, : len(selected)], valid[row, : len(selected)] = box[selected], True
        return proposals, valid
