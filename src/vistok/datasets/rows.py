"""One image with everything known about it, as a value and as a row of an Arrow table; and sets of them."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import pyarrow as pa

from vistok.datasets.attributes import Attributes
from vistok.datasets.coco import ObjectAnnotation
from vistok.datasets.images import PHOTOGRAPHS, ImageIndex, image_bytes

# What a row may have besides its image; which rows have it is counted in a manifest.
PARTS: Final = ("label", "captions", "objects", "questions")
_CATEGORIES: Final = b"vistok.categories"
_ATTRIBUTES = pa.map_(pa.string(), pa.string())
_OBJECT = pa.struct(
    [
        ("category", pa.string()),
        ("box", pa.list_(pa.float64(), 4)),
        ("crowd", pa.bool_()),
        ("attributes", _ATTRIBUTES),
    ]
)
_SCHEMA = pa.schema(
    [
        ("image_id", pa.string()),
        ("image", pa.binary()),
        ("label", pa.int64()),
        ("captions", pa.list_(pa.string())),
        ("objects", pa.list_(_OBJECT)),
        ("questions", pa.list_(pa.struct([("question", pa.string()), ("answer", pa.string())]))),
        ("attributes", _ATTRIBUTES),
    ]
)


@dataclass(frozen=True, slots=True)
class QuestionAnswer:
    """A VQA question with its multiple-choice answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One image of a set.

    Attributes:
        image_id: the official id as text (COCO's without leading zeros), or a path below the image folder.
        image: the bytes of the image file.
        label: position of the image's class among the set's categories; None for sets without classes.
        captions: as the source writes them.
        objects: annotated objects, boxes in pixels of the image file.
        questions: VQA questions.
        attributes: further attributes of the image, such as its background.
    """

    image_id: str
    image: bytes
    label: int | None = None
    captions: tuple[str, ...] = ()
    objects: tuple[ObjectAnnotation, ...] = ()
    questions: tuple[QuestionAnswer, ...] = ()
    attributes: Attributes = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """One image that a set lists, before it is read.

    Attributes:
        image_id: as its row has it.
        read: returns its row; raises UnusableImageError where its file is absent or cannot be read.
        absent: the file that is listed and is not there; None where one is.
    """

    image_id: str
    read: Callable[[], ImageRow]
    absent: str | None = None


@dataclass(frozen=True)
class Source:
    """A set of images.

    Attributes:
        categories: their names.
        listed: the images one after the other, as often as one asks.
        formats: which they may have.
        archives: whether they are in archives, which have to be read to be listed.
    """

    categories: tuple[str, ...]
    listed: Iterable[Listed]
    formats: tuple[str, ...] = PHOTOGRAPHS
    archives: bool = False

    @property
    def rows(self) -> Iterator[ImageRow]:
        """The images, each of which has to be there."""
        return (image.read() for image in self.listed)

    def absent(self) -> list[str]:
        """Returns every file that is listed and is not there, in the set's order; no image is read."""
        return [] if self.archives else [image.absent for image in self.listed if image.absent]


class Images(Iterable[Listed]):
    """An iterable that calls a function for each iteration."""

    def __init__(self, start: Callable[[], Iterator[Listed]]) -> None:
        self._start = start

    def __iter__(self) -> Iterator[Listed]:
        return self._start()


def listed_file(
    index: ImageIndex, image_id: str, names: Sequence[int | str], row: Callable[[bytes], ImageRow]
) -> Listed:
    """Returns an image of a folder, under the first of some names that is there.

    Args:
        names: as `ImageIndex.find` takes them; an error tells the first.
        row: makes its row of the bytes of its file.
    """
    path = next((path for name in names if (path := index.find(name))), None)

    def read() -> ImageRow:
        return row(image_bytes(path or index.require(names[0]), what=f"image {image_id}"))

    return Listed(image_id, read, None if path else str(names[0]))


def schema_of(categories: Sequence[str]) -> pa.Schema:
    """Returns the columns of a shard; the set's category names are in the schema's metadata."""
    return _SCHEMA.with_metadata({_CATEGORIES: json.dumps(list(categories), ensure_ascii=False)})


def to_table(rows: Sequence[ImageRow], schema: pa.Schema) -> pa.Table:
    """Returns rows as an Arrow table."""
    return pa.Table.from_pylist([asdict(row) for row in rows], schema=schema)


def from_table(table: pa.Table) -> list[ImageRow]:
    """Returns the rows of an Arrow table as Python values."""
    return [_row(**values) for values in table.to_pylist()]


def _row(
    image_id: str,
    image: bytes,
    label: int | None,
    captions: list[str],
    objects: list[dict[str, Any]],
    questions: list[dict[str, str]],
    attributes: list[tuple[str, str]],
) -> ImageRow:
    return ImageRow(
        image_id,
        image,
        label,
        tuple(captions),
        tuple(_object(**entry) for entry in objects),
        tuple(QuestionAnswer(entry["question"], entry["answer"]) for entry in questions),
        tuple(attributes),
    )


def _object(
    category: str, box: list[float], crowd: bool, attributes: list[tuple[str, str]]
) -> ObjectAnnotation:
    x, y, width, height = box
    return ObjectAnnotation(category, (x, y, width, height), crowd, tuple(attributes))
