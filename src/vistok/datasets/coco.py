"""Reads COCO's instances and captions files, and LVIS's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path, PurePosixPath
from typing import Any

from vistok.datasets.attributes import Attributes, attributes_of
from vistok.datasets.official import records, refuse_duplicates, wrong_record
from vistok.reading import read_json

_INSTANCES = "COCO instances file"
_CAPTIONS = "COCO captions file"


Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image of an instances file.

    Attributes:
        file_name: None if the file gives none.
        height: in pixels.
        width: in pixels.
        absent: in a federated file, such as LVIS, the ids of the categories that annotators looked for and did not
            find; others are unknown. None: every category.
        uncounted: the ids of the categories of which not every object is annotated.
        attributes: further facts, such as its background; not in official files.
    """

    file_name: str | None
    height: int
    width: int
    absent: frozenset[int] | None = None
    uncounted: frozenset[int] = frozenset()
    attributes: Attributes = ()


@dataclass(frozen=True, slots=True)
class ObjectAnnotation:
    """One annotated object; the box is x, y, width, height in pixels, a crowd is a region of many.

    `attributes` are further facts, such as its colour; not in official files.
    """

    category: str
    box: Box
    crowd: bool
    attributes: Attributes = ()


@dataclass(frozen=True, slots=True)
class Instances:
    """An instances file: every image has an entry in `objects`, an empty one if nothing is annotated.

    Attributes:
        images: by id.
        objects: by the image's id, in file order.
        vocabulary: the names of all categories.
        absent: of a federated file, for every image: the categories that annotators verified as absent.
    """

    images: Mapping[int, ImageRecord]
    objects: Mapping[int, tuple[ObjectAnnotation, ...]]
    vocabulary: tuple[str, ...]
    absent: Mapping[int, frozenset[str]] = field(default_factory=dict)

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories whose objects are annotated in every image: none of a federated file."""
        return () if self.absent else self.vocabulary


@dataclass(frozen=True, slots=True)
class Captions:
    """A captions file: every image has an entry in `captions`.

    The Karpathy ground-truth files list ids without file names: such images are not in `file_names`.
    """

    file_names: Mapping[int, str]
    captions: Mapping[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class CaptionReference:
    """The human captions of one image."""

    image_id: int
    captions: tuple[str, ...]


def read_instances(path: Path) -> Instances:
    """Returns the images, objects and categories of an instances file (.json or .json.gz).

    A box outside its image is replaced by the whole image: it shows that the object is there, but not where. The
    objects of a category that is not exhaustively annotated in an image (LVIS) are crowds, as their number is unknown.

    Raises:
        VistokError: the file is missing, truncated or has another shape, has an id twice, refers to an image or
            category that it does not list, or has an empty box.
    """
    value = read_json(path, what=_INSTANCES, drop=frozenset({"segmentation"}))
    rows = {
        key: records(path, value, key, what=_INSTANCES) for key in ("images", "categories", "annotations")
    }
    for key, listed in rows.items():
        refuse_duplicates(path, key, "id", listed)
    images = dict(_image(path, row) for row in rows["images"])
    names = dict(_category(path, row) for row in rows["categories"])
    objects: dict[int, list[ObjectAnnotation]] = {image: [] for image in images}
    for position, row in enumerate(rows["annotations"]):
        image, annotation = _object(path, f"annotation {position}", row, images, names)
        objects[image].append(annotation)
    return Instances(
        images,
        {image: tuple(annotations) for image, annotations in objects.items()},
        tuple(dict.fromkeys(names.values())),
        _absent(images, names, objects),
    )


def _absent(
    images: Mapping[int, ImageRecord],
    names: Mapping[int, str],
    objects: Mapping[int, Sequence[ObjectAnnotation]],
) -> dict[int, frozenset[str]]:
    """Returns the categories verified absent and not annotated, by image; empty for a file that is not federated."""
    if all(record.absent is None for record in images.values()):
        return {}
    return {
        image: frozenset(names[key] for key in record.absent or () if key in names)
        - {entry.category for entry in objects[image]}
        for image, record in images.items()
    }


def _object(
    path: Path, where: str, row: dict[str, Any], images: Mapping[int, ImageRecord], names: Mapping[int, str]
) -> tuple[int, ObjectAnnotation]:
    needed = "image_id, category_id and a bbox of four numbers are"
    match row:
        case {"image_id": int() as image, "category_id": int() as category, "bbox": [*numbers]}:
            record, name, crowd, box = (
                images.get(image),
                names.get(category),
                row.get("iscrowd", 0),
                _box(numbers),
            )
            if record and name is not None and box and crowd in (0, 1):
                unclear = bool(crowd) or category in record.uncounted
                return image, ObjectAnnotation(
                    name, _in_image(box, record), unclear, attributes_of(row.get("attributes"))
                )
            needed = "a bbox of four numbers (x, y, width and height, these two not below 0) is"
            if record is None or name is None:
                needed = "an image_id and a category_id that the file lists are"
            elif crowd not in (0, 1):
                needed = "an iscrowd of 0 or 1, as a number, is"
    raise wrong_record(path, where, needed, row)


def _box(numbers: list[Any]) -> Box | None:
    """Returns x, y, width and height; None if they are not a box."""
    if len(numbers) != 4 or not all(map(_is_number, numbers)):
        return None
    try:
        x, y, width, height = map(float, numbers)
    except OverflowError:
        return None
    return (x, y, width, height) if isfinite(x + y + width + height) and min(width, height) >= 0 else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _in_image(box: Box, image: ImageRecord) -> Box:
    x, y, width, height = box
    across, down = min(x + width, image.width) - max(x, 0), min(y + height, image.height) - max(y, 0)
    if min(across, down) < 0 or (across == 0 < width) or (down == 0 < height):
        return 0.0, 0.0, float(image.width), float(image.height)
    return box


def read_captions(path: Path) -> Captions:
    """Returns the captions of each image, as written, in file order (.json or .json.gz).

    Raises:
        VistokError: the file is missing, truncated or of another shape, names an id twice, or captions an image that
            it does not list.
    """
    value = read_json(path, what=_CAPTIONS)
    file_names: dict[int, str] = {}
    captions: dict[int, list[str]] = {}
    rows = {key: records(path, value, key, what=_CAPTIONS) for key in ("images", "annotations")}
    for key, listed in rows.items():
        refuse_duplicates(path, key, "id", listed)
    for position, row in enumerate(rows["images"]):
        match row:
            case {"id": int() as image}:
                captions[image] = []
                if isinstance(row.get("file_name"), str):
                    file_names[image] = row["file_name"]
            case _:
                raise wrong_record(path, f"image {position}", "an integer id is", row)
    for position, row in enumerate(rows["annotations"]):
        match row:
            case {"image_id": int() as image, "caption": str() as caption} if image in captions:
                captions[image].append(caption)
            case _:
                needed = "an image_id that the file lists and a caption are"
                raise wrong_record(path, f"annotation {position}", needed, row)
    return Captions(file_names, {image: tuple(texts) for image, texts in captions.items()})


def _image(path: Path, row: dict[str, Any]) -> tuple[int, ImageRecord]:
    match row:
        case {"id": int() as image, "height": int() as height, "width": int() as width} if (
            min(height, width) > 0
        ):
            name = row.get("file_name") or PurePosixPath(str(row.get("coco_url", ""))).name or None
            if name is None or isinstance(name, str):
                federated = "neg_category_ids" in row or "not_exhaustive_category_ids" in row
                absent = _ids(path, row, "neg_category_ids") if federated else None
                uncounted = _ids(path, row, "not_exhaustive_category_ids")
                return image, ImageRecord(
                    name, height, width, absent, uncounted, attributes_of(row.get("attributes"))
                )
    raise wrong_record(path, "an image", "id, height and width are", row)


def _ids(path: Path, row: dict[str, Any], key: str) -> frozenset[int]:
    match row.get(key, []):
        case [*ids] if all(isinstance(each, int) for each in ids):
            return frozenset(ids)
    raise wrong_record(path, "an image", f"a list of category ids in {key} is", row)


def _category(path: Path, row: dict[str, Any]) -> tuple[int, str]:
    match row:
        case {"id": int() as category, "name": str() as name} if name.strip():
            return category, name
    raise wrong_record(path, "a category", "id and a name are", row)
