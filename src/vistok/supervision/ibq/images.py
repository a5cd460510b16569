"""The images that ETT's models are trained on: several sets as one, and their objects."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from vistok.datasets.coco import ObjectAnnotation
from vistok.datasets.images import image_size
from vistok.datasets.shards import Shards
from vistok.supervision.data import PretrainingData


class ImagePool:
    """The images of several sets one after the other, squashed to one size.

    Args:
        size: of their sides, in pixels.
        repeats: how often each set's images occur, as in the mixture that models are tuned on; None: once.
    """

    def __init__(self, folders: Sequence[Path], size: int, repeats: Sequence[int] | None = None) -> None:
        self.sets = [PretrainingData(Shards(folder), size) for folder in folders]
        times = repeats or [1] * len(self.sets)
        sizes = [len(each) * often for each, often in zip(self.sets, times, strict=True)]
        self.starts = np.cumsum([0, *sizes])

    def __len__(self) -> int:
        return int(self.starts[-1])

    def pixels(self, positions: Int64[np.ndarray, " images"]) -> UInt8[Tensor, "images 3 size size"]:
        """Returns the images at some positions."""
        images = [self._at(int(position)) for position in positions]
        return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()

    def _at(self, position: int) -> UInt8[np.ndarray, "size size 3"]:
        number = int(np.searchsorted(self.starts, position, side="right")) - 1
        each = self.sets[number]
        shown = each.examples([(position - int(self.starts[number])) % len(each)], frozenset())
        return np.asarray(shown.pixels[0])

    def objects(self) -> list[tuple[ObjectAnnotation, ...]]:
        """Returns the annotated objects of every image, in their order, boxes in pixels of its file."""
        return [tuple(row.objects) for each in self.sets for row in each.shards]

    def sizes(self) -> list[tuple[int, int]]:
        """Returns the width and height of every image's file, in pixels."""
        return [
            image_size(row.image, what=f"image {row.image_id}") for each in self.sets for row in each.shards
        ]
