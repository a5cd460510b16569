"""A small convolutional network that classifies each cell of an image: a judge, and features to compare.

Shapes: B images, G x G cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from vistok.datasets.coco import ObjectAnnotation
from vistok.errors import unknown

NOTHING: Final = 0  # in a cell: neither an object nor a crowd
IGNORED: Final = -100  # a crowd's cell, or an object without a colour: ignored by loss and accuracy
_COLOUR: Final = "color"
_GROUPS: Final = 8


@dataclass(frozen=True, slots=True)
class Contents:
    """The possible contents of a cell, numbered from 1; 0 is nothing."""

    categories: tuple[str, ...]
    colours: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class CellLabels:
    """What is in the cells of some images.

    Attributes:
        category, colour: (images, G, G) numbers of `Contents`.
        area: (images, G, G) the size of the object's box, in cells; 0 where there is none.
    """

    category: Int64[np.ndarray, "images G G"]
    colour: Int64[np.ndarray, "images G G"]
    area: Float[np.ndarray, "images G G"]


def contents_of(objects: Sequence[Sequence[ObjectAnnotation]]) -> Contents:
    """Returns all categories and colours of the objects of some images, in alphabetical order."""
    entries = [entry for listed in objects for entry in listed]
    colours = {dict(entry.attributes).get(_COLOUR) for entry in entries} - {None}
    return Contents(tuple(sorted({entry.category for entry in entries})), tuple(sorted(map(str, colours))))


def cell_labels(
    objects: Sequence[Sequence[ObjectAnnotation]],
    sizes: Sequence[tuple[int, int]],
    contents: Contents,
    *,
    cells: int,
) -> CellLabels:
    """Returns the contents of the cells of some images: the object with its box's centre there, the last of several.

    Args:
        objects: of each image.
        sizes: each image's width and height in pixels.
        contents: what there may be.
        cells: a side.

    Raises:
        VistokError: an object is of a category that there may not be.
    """
    categories = {name: number for number, name in enumerate(contents.categories, start=1)}
    colours = {name: number for number, name in enumerate(contents.colours, start=1)}
    shape = (len(objects), cells, cells)
    labels = CellLabels(np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape))
    for image, (listed, (across, down)) in enumerate(zip(objects, sizes, strict=True)):
        for entry in listed:
            left, top, width, height = entry.box
            row, column = (
                min(int((start + length / 2) * cells / pixels), cells - 1)
                for start, length, pixels in ((top, height, down), (left, width, across))
            )
            if entry.category not in categories:
                raise unknown("category of an object that a cell net is to tell", entry.category, categories)
            colour = dict(entry.attributes).get(_COLOUR, "")
            cell = image, row, column
            labels.category[cell] = IGNORED if entry.crowd else categories[entry.category]
            labels.colour[cell] = IGNORED if entry.crowd else colours.get(colour, IGNORED)
            labels.area[cell] = 0 if entry.crowd else width * height * cells**2 / (across * down)
    return labels


class CellNet(nn.Module):
    """Convolutions that halve the map, and two heads on each of its last positions: category and colour."""

    def __init__(self, widths: Sequence[int], contents: Contents) -> None:
        super().__init__()
        self.contents = contents
        before = (3, *widths)
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels, width, 3, stride=2, padding=1), nn.GroupNorm(_GROUPS, width), nn.SiLU()
            )
            for channels, width in zip(before, widths, strict=False)
        )
        self.category = nn.Conv2d(widths[-1], len(contents.categories) + 1, 1)
        self.colour = nn.Conv2d(widths[-1], len(contents.colours) + 1, 1)

    def taps(self, images: Float[Tensor, "B 3 S S"]) -> list[Float[Tensor, "B C H W"]]:
        """Returns the map after each stage, for images from -1 to 1."""
        maps = []
        for stage in self.stages:
            images = stage(images)
            maps.append(images)
        return maps

    def forward(
        self, images: Float[Tensor, "B 3 S S"]
    ) -> tuple[Float[Tensor, "B categories G G"], Float[Tensor, "B colours G G"]]:
        """Returns the logits of each cell's category and colour."""
        last = self.taps(images)[-1]
        return self.category(last), self.colour(last)

    @torch.no_grad()
    def read(
        self, images: Float[Tensor, "B 3 S S"]
    ) -> tuple[Int64[np.ndarray, "B G G"], Int64[np.ndarray, "B G G"]]:
        """Returns the likeliest category and colour of each cell."""
        category, colour = self(images)
        return category.argmax(dim=1).numpy(), colour.argmax(dim=1).numpy()

    @torch.no_grad()
    def features(self, images: Float[Tensor, "B 3 S S"]) -> Float[np.ndarray, "B width"]:
        """Returns the mean over cells of the last map."""
        return np.asarray(self.taps(images)[-1].mean(dim=(2, 3)).double().numpy())
