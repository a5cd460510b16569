"""The images that a tokenizer is pretrained on, read from shards as they are asked for, with their supervision."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np
from jaxtyping import Float, Int64, UInt8

from vistok.datasets.preprocessing import squash
from vistok.datasets.rows import ImageRow
from vistok.datasets.shards import Shards
from vistok.errors import VistokError

AnnotationKind = Literal["label", "captions", "objects"]
# What an objective's error text calls a part, and the formats of image sets that have it.
_CALLED: Final[dict[AnnotationKind, tuple[str, str]]] = {
    "label": (
        "a label",
        "'imagenet', or 'coco' with `instances`, whose images are labelled by what they show most",
    ),
    "captions": ("a text", "'webdataset'"),
    "objects": ("boxes", "'coco' with `instances`, or 'openimages'"),
}
_KNOWN_BYTES: Final = 4096  # of memory, that an image's label, texts and boxes take at most, about


@dataclass(frozen=True, eq=False)
class Regions:
    """The annotated objects of one image, crowds left out.

    Attributes:
        boxes: left, top, right and bottom as shares of the image's width and height, as they hold when it is squashed.
        categories: positions among the set's category names.
    """

    boxes: Float[np.ndarray, "objects 4"]
    categories: Int64[np.ndarray, " objects"]


@dataclass(frozen=True, eq=False)
class Examples:
    """Some images of a pretraining set, with the parts of their rows that an objective needs; others are None."""

    pixels: UInt8[np.ndarray, "batch size size 3"]
    labels: Int64[np.ndarray, " batch"] | None
    texts: list[str] | None
    regions: list[Regions] | None


@dataclass(frozen=True, slots=True)
class _Image:
    pixels: UInt8[np.ndarray, "size size 3"]
    width: int
    height: int
    row: ImageRow


class PretrainingData:
    """One image set, squashed to one size; it is kept decoded where it is small, and else read again each time."""

    def __init__(self, shards: Shards, size: int, *, cache_bytes: int = 1 << 28) -> None:
        """Opens the set.

        Args:
            size: pixels per side.
            cache_bytes: the most memory that decoded images may take: all of them, or none.
        """
        self.shards = shards
        self.size = size
        self._fits = len(shards) * (3 * size**2 + _KNOWN_BYTES) <= cache_bytes

    def __len__(self) -> int:
        return len(self.shards)

    @property
    def classes(self) -> int:
        """How many classes labels tell apart."""
        return len(self.shards.categories)

    def require(self, kind: AnnotationKind, objective: str) -> None:
        """Refuses a set in which an image lacks the annotations that supervise an objective.

        Raises:
            VistokError: not every image has a label or a text, or none has boxes.
        """
        rows_with = self.shards.manifest.rows_with
        count = max(rows_with[kind], rows_with["objects"] if kind == "label" else 0)
        if count < (1 if kind == "objects" else len(self)):
            called, formats = _CALLED[kind]
            raise VistokError(
                f"the {objective} objective needs {called} for each image, and {len(self) - count} of the "
                f"{len(self)} images of {self.shards.path} have none. Give the tokenizer an `image_set` of the "
                f"format {formats}."
            )

    def texts(self) -> Iterator[str]:
        """Yields the text of every image, without reading an image."""
        for captions in self.shards.column("captions"):
            yield captions[0]

    def examples(self, positions: Sequence[int] | np.ndarray, kinds: frozenset[AnnotationKind]) -> Examples:
        """Returns the images at some positions with these kinds of annotations.

        Raises:
            VistokError: a shard is damaged, or an image cannot be decoded.
        """
        images = [self._image(int(position)) for position in positions]
        rows = [image.row for image in images]
        return Examples(
            np.stack([image.pixels for image in images]),
            np.array([self._label(row) for row in rows], dtype=np.int64) if "label" in kinds else None,
            [row.captions[0] for row in rows] if "captions" in kinds else None,
            [self._regions(image) for image in images] if "objects" in kinds else None,
        )

    def _image(self, position: int) -> _Image:
        return self._images[position] if self._fits else self._decoded(self.shards.row(position))

    @cached_property
    def _images(self) -> list[_Image]:
        return [self._decoded(row) for row in self.shards]

    def _decoded(self, row: ImageRow) -> _Image:
        image = self.shards.decoded(row)
        annotations = ImageRow(row.image_id, b"", row.label, row.captions, row.objects)
        return _Image(squash(image, self.size), image.width, image.height, annotations)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.shards.categories)}

    def _label(self, row: ImageRow) -> int:
        """Returns an image's class: its own, or the category that most of its objects have, the first among equals."""
        if row.label is not None:
            return row.label
        numbers = Counter(self._numbers[entry.category] for entry in row.objects if not entry.crowd)
        return min(numbers, key=lambda number: (-numbers[number], number))

    def _regions(self, image: _Image) -> Regions:
        objects = [entry for entry in image.row.objects if not entry.crowd]
        boxes = np.array([entry.box for entry in objects], dtype=np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]  # annotated as left, top, width and height
        boxes /= np.array([image.width, image.height] * 2, dtype=np.float32)
        numbers = [self._numbers[entry.category] for entry in objects]
        return Regions(boxes, np.array(numbers, dtype=np.int64))
