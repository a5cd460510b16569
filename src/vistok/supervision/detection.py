"""Detection by tokens: each patch token predicts one box, tokens and objects are matched one to one (OWL-ViT, DETR).

Boxes are shares of the image's sides: left, top, right and bottom, but for a box head's raw centre and size.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float, Int64
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import (
    box_convert,
    generalized_box_iou,
    generalized_box_iou_loss,
    sigmoid_focal_loss,
)

from vistok.supervision.data import Regions
from vistok.supervision.draws import Draws
from vistok.supervision.encoder import initialise

FOCAL_DEFAULTS: Final = {
    "focal_alpha": 0.3,  # OWL-ViT code
    "focal_gamma": 2.0,  # OWL-ViT code
    "class_weight": 1.0,  # OWL-ViT code, in the cost of a match and in the loss, as those of boxes
    "box_weight": 1.0,  # OWL-ViT code
    "overlap_weight": 1.0,  # OWL-ViT code
}
PRIOR: Final = 0.01  # OWL-ViT code: what a token is worth at first
_ABSENT: Final = -1


class BoxHead(nn.Module):
    """Merges the class token into each patch, and predicts a box from it, near the patch at first (OWL-ViT code)."""

    bias: Tensor

    def __init__(self, width: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.boxes = nn.Sequential(
            nn.Linear(width, width), nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, 4)
        )
        initialise(self)
        rows, columns = grid
        down, across = torch.meshgrid(
            (torch.arange(rows) + 0.5) / rows, (torch.arange(columns) + 0.5) / columns, indexing="ij"
        )
        size = torch.full((rows, columns), 1.0)
        start = torch.stack([across, down, size / columns, size / rows], -1).view(-1, 4)
        self.register_buffer("bias", start.clamp(1e-4, 1 - 1e-4).logit())

    def forward(
        self, tokens: Float[Tensor, "batch tokens width"]
    ) -> tuple[Float[Tensor, "batch patches width"], Float[Tensor, "batch patches 4"]]:
        """Returns the features that classes are predicted from, and the boxes; the first token is the class token."""
        merged = self.norm(tokens[:, 1:] * tokens[:, :1])
        raw = (self.boxes(merged) + self.bias).sigmoid()
        return merged, box_convert(raw, "cxcywh", "xyxy")


def padded(
    regions: Sequence[Regions], mirrored: np.ndarray
) -> tuple[Float[Tensor, "batch most 4"], Int64[Tensor, "batch most"]]:
    """Returns the boxes and categories of some images, some of them mirrored; -1 is the category of no object."""
    most = max(1, max(len(entry.categories) for entry in regions))
    boxes = np.zeros((len(regions), most, 4), dtype=np.float32)
    categories = np.full((len(regions), most), _ABSENT)
    for row, (entry, mirror) in enumerate(zip(regions, mirrored, strict=True)):
        own = entry.boxes.copy()
        if mirror:
            own[:, [0, 2]] = 1 - own[:, [2, 0]]
        boxes[row, : len(own)], categories[row, : len(own)] = own, entry.categories
    return torch.from_numpy(boxes), torch.from_numpy(categories)


def mirror_some(
    images: Float[Tensor, "batch 3 height width"], draws: Draws
) -> tuple[Float[Tensor, "batch 3 height width"], np.ndarray]:
    """Returns images, half of them mirrored, and which they are."""
    mirrored = draws.random() < 0.5
    mask = torch.from_numpy(mirrored).view(-1, 1, 1, 1)
    return torch.where(mask, images.flip(-1), images), mirrored


def detection_loss(
    logits: Float[Tensor, "batch patches classes"],
    boxes: Float[Tensor, "batch patches 4"],
    true_boxes: Float[Tensor, "batch most 4"],
    categories: Int64[Tensor, "batch most"],
    options: dict[str, float],
) -> Float[Tensor, ""]:
    """Returns the mean over images of class, box and overlap losses, each image's per object of its own (OWL-ViT)."""
    losses = []
    for row, (class_logits, box) in enumerate(zip(logits, boxes, strict=True)):
        present = categories[row] != _ABSENT
        losses.append(_of_one(class_logits, box, true_boxes[row][present], categories[row][present], options))
    return torch.stack(losses).mean()


def _of_one(
    class_logits: Tensor, box: Tensor, true: Tensor, category: Tensor, options: dict[str, float]
) -> Tensor:
    tokens, objects = match(class_logits, box, true, category, options)
    target = torch.zeros_like(class_logits)
    target[tokens, category[objects]] = 1.0
    focal = sigmoid_focal_loss(
        class_logits, target, options["focal_alpha"], options["focal_gamma"], reduction="sum"
    )
    apart = functional.l1_loss(box[tokens], true[objects], reduction="sum")
    overlap = generalized_box_iou_loss(box[tokens], true[objects], reduction="sum")
    weighted = (
        options["class_weight"] * focal + options["box_weight"] * apart + options["overlap_weight"] * overlap
    )
    total: Tensor = weighted / max(1, len(true))
    return total


@torch.no_grad()
def match(
    class_logits: Float[Tensor, "patches classes"],
    box: Float[Tensor, "patches 4"],
    true: Float[Tensor, "objects 4"],
    category: Int64[Tensor, " objects"],
    options: dict[str, float],
) -> tuple[Int64[Tensor, " matches"], Int64[Tensor, " matches"]]:
    """Returns the cheapest pairs of a token and an object, each of them in one pair at most (DETR section 3.1)."""
    named = class_logits[:, category]
    present, absent = torch.ones_like(named), torch.zeros_like(named)
    alpha, gamma = options["focal_alpha"], options["focal_gamma"]
    class_cost = sigmoid_focal_loss(named, present, alpha, gamma) - sigmoid_focal_loss(
        named, absent, alpha, gamma
    )
    cost = (
        options["class_weight"] * class_cost
        + options["box_weight"] * torch.cdist(box, true, p=1.0)
        - options["overlap_weight"] * generalized_box_iou(box, true)
    )
    tokens, objects = linear_sum_assignment(cost.cpu().double().numpy())
    device: Any = class_logits.device
    return torch.as_tensor(tokens, device=device), torch.as_tensor(objects, device=device)


def prior_logit() -> float:
    """Returns the logit that a token starts from."""
    return math.log(PRIOR / (1 - PRIOR))
