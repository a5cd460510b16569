"""Reads COCO's instances and captions files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vistok.datasets.official import records, wrong_record
from vistok.reading import read_json

_INSTANCES = "COCO instances file"
_CAPTIONS = "COCO captions file"


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image of an instances file; height and width in pixels."""

    file_name: str
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class ObjectAnnotation:
    """One annotated object; the box is x, y, width, height in pixels, a crowd is a region of many."""

    category: str
    box: tuple[float, float, float, float]
    crowd: bool


@dataclass(frozen=True, slots=True)
class Instances:
    """An instances file: every image has an entry in `objects`, an empty one if nothing is annotated."""

    images: Mapping[int, ImageRecord]
    objects: Mapping[int, tuple[ObjectAnnotation, ...]]
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Captions:
    """A captions file: every image has an entry in `captions`.

    The Karpathy ground-truth files list ids without file names: such images are not in `file_names`.
    """

    file_names: Mapping[int, str]
    captions: Mapping[int, tuple[str, ...]]


def read_instances(path: Path) -> Instances:
    """Returns the images, objects and categories of an instances file (.json or .json.gz).

    Raises:
        VistokError: the file is missing, truncated or of another shape, or refers to an image or category
            that it does not list.
    """
    value = read_json(path, what=_INSTANCES, drop=frozenset({"segmentation"}))
    images = dict(_image(path, row) for row in records(path, value, "images", what=_INSTANCES))
    names = dict(_category(path, row) for row in records(path, value, "categories", what=_INSTANCES))
    objects: dict[int, list[ObjectAnnotation]] = {image: [] for image in images}
    for position, row in enumerate(records(path, value, "annotations", what=_INSTANCES)):
        where = f"annotation {position}"
        match row:
            case {
                "image_id": int() as image,
                "category_id": int() as category,
                "bbox": [
                    int() | float() as x,
                    int() | float() as y,
                    int() | float() as w,
                    int() | float() as h,
                ],
            }:
                if image not in images or category not in names:
                    raise wrong_record(
                        path, where, "an image_id and a category_id that the file lists are", row
                    )
                box = (float(x), float(y), float(w), float(h))
                objects[image].append(ObjectAnnotation(names[category], box, bool(row.get("iscrowd", 0))))
            case _:
                raise wrong_record(path, where, "image_id, category_id and a bbox of four numbers are", row)
    return Instances(images, {image: tuple(found) for image, found in objects.items()}, tuple(names.values()))


def read_captions(path: Path) -> Captions:
    """Returns the captions of each image, as written, in file order (.json or .json.gz).

    Raises:
        VistokError: the file is missing, truncated or of another shape, or captions an image that it does
            not list.
    """
    value = read_json(path, what=_CAPTIONS)
    file_names: dict[int, str] = {}
    captions: dict[int, list[str]] = {}
    for position, row in enumerate(records(path, value, "images", what=_CAPTIONS)):
        match row:
            case {"id": int() as image}:
                captions[image] = []
                if isinstance(row.get("file_name"), str):
                    file_names[image] = row["file_name"]
            case _:
                raise wrong_record(path, f"image {position}", "an integer id is", row)
    for position, row in enumerate(records(path, value, "annotations", what=_CAPTIONS)):
        match row:
            case {"image_id": int() as image, "caption": str() as caption} if image in captions:
                captions[image].append(caption)
            case _:
                needed = "an image_id that the file lists and a caption are"
                raise wrong_record(path, f"annotation {position}", needed, row)
    return Captions(file_names, {image: tuple(texts) for image, texts in captions.items()})


def _image(path: Path, row: dict[str, Any]) -> tuple[int, ImageRecord]:
    match row:
        case {
            "id": int() as image,
            "file_name": str() as name,
            "height": int() as height,
            "width": int() as width,
        }:
            return image, ImageRecord(name, height, width)
    raise wrong_record(path, "an image", "id, file_name, height and width are", row)


def _category(path: Path, row: dict[str, Any]) -> tuple[int, str]:
    match row:
        case {"id": int() as category, "name": str() as name}:
            return category, name
    raise wrong_record(path, "a category", "id and name are", row)
