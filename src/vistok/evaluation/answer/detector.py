"""What a detector sees in an image: Mask2Former (Cheng et al. 2021), asked as GenEval asks it.

GenEval runs OpenMMLab's training of Mask2Former with Swin-S on COCO's instances in mmdet 2.27 (box AP 49.3, mask AP
46.1). transformers has the authors' own training of the same network (mask AP 46.3): other weights of equal accuracy,
so that single verdicts can differ. Images are prepared and masks are read as mmdet does it; what transformers does by
default is another thing: it shrinks images to 384 pixels, and paints masks over one another.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional
from transformers import Mask2FormerForUniversalSegmentation, PreTrainedModel

from vistok.datasets.geneval_images import CLASSES, Detection
from vistok.datasets.preprocessing import STATISTICS
from vistok.errors import VistokError
from vistok.evaluation.answer.published import load_published
from vistok.evaluation.score.geneval import CONFIDENCE

DETECTOR: Final = "facebook/mask2former-swin-small-coco-instance"
# mmdet's configuration of Mask2Former: the sides that an image is scaled to fit, padding, and the most instances.
_SHORT: Final = 800
_LONG: Final = 1333
_MULTIPLE: Final = 32
_MOST: Final = 100


@dataclass(frozen=True, eq=False)
class Found:
    """A detection and its mask: (height, width), of the image."""

    detection: Detection
    mask: NDArray[np.bool_]


class Detector:
    """Mask2Former of any size, trained on COCO's 80 classes."""

    def __init__(self, network: PreTrainedModel) -> None:
        if (labels := network.config.num_labels) != len(CLASSES):
            raise VistokError(
                f"the detector knows {labels} classes, and GenEval's prompts are about COCO's {len(CLASSES)}. Name one "
                f"that was trained on COCO's instances, such as {DETECTOR}."
            )
        self.network = network.eval().requires_grad_(False)

    @torch.no_grad()
    def seen(self, image: Image.Image) -> list[Found]:
        """Returns the objects of an RGB image whose score is above GenEval's lower threshold.

        A score is the probability of the class, times the mean probability of the pixels of the mask.
        """
        size = (image.height, image.width)
        pixels = _scaled(image).to(self.network.device)
        height, width = pixels.shape[-2:]
        padded = functional.pad(pixels, (0, -width % _MULTIPLE, 0, -height % _MULTIPLE))
        output = self.network(pixel_values=padded)
        probabilities = output.class_queries_logits[0].softmax(-1)[:, :-1].flatten()
        scores, indices = probabilities.topk(min(_MOST, len(probabilities)))
        indices = indices[scores > CONFIDENCE]  # masks only lower a score
        if not len(indices):
            return []
        masks = output.masks_queries_logits[:, indices // len(CLASSES)]
        masks = _resized(masks, padded.shape[-2:])[..., :height, :width]
        masks = _resized(masks, size)[0]
        inside = masks > 0
        sure = (masks.sigmoid() * inside).sum((1, 2)) / (inside.sum((1, 2)) + 1e-6)
        found = zip(indices % len(CLASSES), probabilities[indices] * sure, inside.cpu().numpy(), strict=True)
        return [
            Found(Detection(CLASSES[int(label)], float(score), _box(mask)), mask)
            for label, score, mask in found
            if score > CONFIDENCE
        ]


def load_detector(name: str, device: torch.device) -> Detector:
    """Returns the detector of a folder or under a published name.

    Raises:
        VistokError: its weights are not here, or of other classes.
    """
    network: Any = load_published(Mask2FormerForUniversalSegmentation, name)
    return Detector(network.to(device))


def _scaled(image: Image.Image) -> Tensor:
    """Returns an image scaled to fit and normalised: [1, 3, height, width]."""
    factor = min(_LONG / max(image.size), _SHORT / min(image.size))
    size = (int(image.height * factor + 0.5), int(image.width * factor + 0.5))
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] / 255
    mean, deviation = (torch.tensor(each).view(3, 1, 1) for each in STATISTICS["imagenet"])
    return (_resized(pixels, size) - mean) / deviation


def _resized(maps: Tensor, size: tuple[int, int] | torch.Size) -> Tensor:
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=False)


def _box(mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Returns the left, top, right and bottom edge of a mask, in pixels."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
