"""The true contents of an image, from annotations, and as codes: the output of a perfect tokenizer."""

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isqrt
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from vistok.datasets.attributes import Attributes
from vistok.datasets.coco import Instances, ObjectAnnotation, read_instances
from vistok.datasets.images import FORMATS
from vistok.datasets.preprocessing import Box, Floats
from vistok.datasets.reader import Cached, Reader
from vistok.datasets.rows import ImageRow
from vistok.datasets.vcr import read_metadata
from vistok.errors import VistokError

BACKGROUND: Final = "background"
_FILES_KEPT: Final = 4


@dataclass(frozen=True, slots=True)
class Seen:
    """An object: the centre of its box in shares of the image (0 to 1), and the words that describe it."""

    x: float
    y: float
    words: Attributes


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in an image; `words` describe it as a whole."""

    words: Attributes
    objects: tuple[Seen, ...]


def contents_of_row(row: ImageRow) -> Contents:
    """Returns the contents of an image of a training set."""
    with Image.open(io.BytesIO(row.image), formats=FORMATS) as picture:
        return _contents(row.attributes, row.objects, *picture.size)


def contents_of_photograph(path: Path) -> Contents:
    """Returns the contents of a photograph, from its own VCR metadata beside it or its folder's COCO instances file.

    COCO's official folders have `coco/val2017/<id>.jpg` beside `coco/annotations/instances_val2017.json`.

    Raises:
        VistokError: there is neither, or it is malformed, or does not list the photograph.
    """
    metadata = path.with_suffix(".json")
    if metadata.is_file():
        return _contents_of_frame(metadata)
    annotations = path.parent.parent / "annotations" / f"instances_{path.parent.name}.json"
    if not annotations.is_file():
        raise VistokError(
            f"what is in {path} is told by no annotation: needed are {metadata.name} beside it, or {annotations}. A "
            "tokenizer of true contents answers about annotated images alone."
        )
    instances, ids = _instances(annotations)
    if path.name not in ids:
        raise VistokError(f"{path} is not among the images of {annotations}. Name the file of its own split.")
    image = ids[path.name]
    record = instances.images[image]
    return _contents(record.attributes, instances.objects[image], record.width, record.height)


@lru_cache(maxsize=_FILES_KEPT)
def _instances(path: Path) -> tuple[Instances, Mapping[str, int]]:
    instances = read_instances(path)
    return instances, {
        record.file_name: image for image, record in instances.images.items() if record.file_name
    }


def _contents_of_frame(path: Path) -> Contents:
    frame = read_metadata(path)
    objects = (
        ObjectAnnotation(name, (left, top, right - left, bottom - top), False, attributes)
        for name, (left, top, right, bottom, _), attributes in zip(
            frame.names, frame.boxes, frame.attributes, strict=True
        )
    )
    return _contents(frame.image_attributes, objects, frame.width, frame.height)


def _contents(
    attributes: Attributes, objects: Iterable[ObjectAnnotation], width: int, height: int
) -> Contents:
    return Contents(
        tuple(pair for pair in attributes if pair[0] == BACKGROUND),
        tuple(_seen(entry, width, height) for entry in objects),
    )


def _seen(entry: ObjectAnnotation, width: int, height: int) -> Seen:
    x, y, across, down = entry.box
    category = entry.category.replace(" ", "")  # as VCR spells COCO's names
    crowd = (("crowd", "crowd"),) if entry.crowd else ()
    return Seen(
        (x + across / 2) / width,
        (y + down / 2) / height,
        (("category", category), *entry.attributes, *crowd),
    )


class ContentsReader(Reader):
    """Codes of an image's contents: one token for the image as a whole, and one for each cell of a square grid.

    A cell's token is the sum of the codes of its place and of each word of each object whose box has its centre there.
    Codes are drawn from a normal distribution by the seed and the word: a connector has to learn what they mean.
    """

    def __init__(self, tokens: int, width: int, seed: int) -> None:
        """Splits an image into `tokens` - 1 cells.

        Raises:
            VistokError: that is not a square number.
        """
        self.shape, self.seed = (tokens, width), seed
        self.side = isqrt(max(tokens - 1, 0))
        if self.side**2 != tokens - 1 or not self.side:
            raise VistokError(
                f"contents are told of the image and of the cells of a square grid: `tokens` is one and a square "
                f"number (10 for 3 x 3 cells), found {tokens}. Correct the entry's `encoder`."
            )
        self._codes: dict[tuple[str, str], Floats] = {}

    def tokens(self, contents: Contents) -> Floats:
        """Returns the codes of an image's contents: [tokens, width]."""
        made = np.zeros(self.shape, dtype=np.float32)
        for word in contents.words:
            made[0] += self._code(word)
        for cell in range(self.side**2):
            made[1 + cell] += self._code(("place", str(cell)))
        for entry in contents.objects:
            for word in entry.words:
                made[1 + self._cell(entry)] += self._code(word)
        return made

    def _cell(self, entry: Seen) -> int:
        column, row = (min(max(int(at * self.side), 0), self.side - 1) for at in (entry.x, entry.y))
        return row * self.side + column

    def _code(self, word: tuple[str, str]) -> Floats:
        if word not in self._codes:
            digest = hashlib.sha256("\n".join((str(self.seed), *word)).encode()).digest()
            drawn = np.random.default_rng(list(digest)).standard_normal(self.shape[1])
            self._codes[word] = drawn.astype(np.float32)
        return self._codes[word]

    def cacheable(self, row: ImageRow, decoded: Callable[[], Image.Image], *, uncropped: bool) -> Cached:
        if not uncropped:
            raise VistokError(
                "the contents of an image are told of all of it, and the recipe shows parts: its crop_scale must be "
                "[1.0, 1.0] where a row has a tokenizer of true contents."
            )
        return self.tokens(contents_of_row(row))

    def shown(
        self, cached: Cached, box: Box | None, generator: np.random.Generator, *, horizontal_flip: bool
    ) -> Floats:
        if horizontal_flip:
            raise VistokError(
                "the contents of an image are told as it is, and the recipe mirrors images: its horizontal_flip must "
                "be false where a row has a tokenizer of true contents."
            )
        return cached

    def photograph(self, path: Path) -> Floats:
        return self.tokens(contents_of_photograph(path))

    @property
    def cached_bytes(self) -> int:
        return 4 * self.shape[0] * self.shape[1]
