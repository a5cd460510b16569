"""Reads Open Images (V4 to V7): photographs with a CSV line for each box."""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from vistok.datasets.coco import ObjectAnnotation
from vistok.datasets.images import ImageIndex, image_size
from vistok.datasets.official import read_lines, wrong_record
from vistok.datasets.rows import ImageRow, Images, Listed, Source, listed_file
from vistok.errors import VistokError
from vistok.reading import read_json

_BOXES = "Open Images boxes file"
_CLASSES = "Open Images class descriptions"
_HIERARCHY = "Open Images class hierarchy"
_COLUMNS = ("ImageID", "LabelName", "IsGroupOf", "XMin", "XMax", "YMin", "YMax")


class Box(NamedTuple):
    """One line of a boxes file; coordinates are shares of the image's width and height, 0 at the top left."""

    image: str
    category: str
    crowd: bool
    left: float
    right: float
    top: float
    bottom: float


def openimages_source(folder: Path, boxes: Path, classes: Path, hierarchy: Path | None = None) -> Source:
    """Reads every image of `boxes`, in the file's order; a box of a group is a crowd, as in COCO.

    The set has no category names, so it gives no identification questions: only classes that annotators were asked to
    verify in an image have boxes, and a class without a box may well be in it. It gives counting questions: a verified
    class has a box for each of its objects (Kuznetsova et al. 2020, section 3), but under the narrowest name: a man
    next to two persons has no box of a person. With the hierarchy of classes, a class is therefore not counted if a
    class above or below it has a box in the image. Chosen: the paper does not say how it asks about Open Images.

    Args:
        folder: of the photographs `ID.jpg`, or of the archives' folders train_0 to train_f.
        classes: the names of the class identifiers in `boxes`.
        hierarchy: the official tree of classes; None: classes count as unrelated.

    Raises:
        VistokError: a file is missing; while rows are consumed: a line is malformed, or an image is missing.
    """
    names = read_classes(classes)
    related = read_relatives(hierarchy, names) if hierarchy else {}
    index = ImageIndex(folder, [""])

    def images() -> Iterator[Listed]:
        for image, lines in _by_image(boxes, names):
            paths = [f"train_{image[:1]}/{image}.jpg", f"{image}.jpg"]
            row = partial(_row, image, _unclear(list(lines), related))
            yield listed_file(index, image, paths, row)

    return Source((), Images(images))


def _row(image: str, boxes: list[Box], data: bytes) -> ImageRow:
    width, height = image_size(data, what=f"image {image}")
    return ImageRow(image, data, objects=tuple(_in_pixels(box, width, height) for box in boxes))


def read_classes(path: Path) -> dict[str, str]:
    """Returns identifier -> name of each class, with or without a header (V7 has one, V5 has none).

    What a name adds in brackets is dropped, since nobody would ask for a "Bat (Animal)".

    Raises:
        VistokError: the file is missing, or a line is not a pair.
    """
    names: dict[str, str] = {}
    for number, line in enumerate(read_lines(path, what=_CLASSES), start=1):
        match line:
            case ["LabelName", _]:
                pass
            case [label, name] if label.startswith("/") and name:
                short = name.partition(" (")[0]
                if names.setdefault(label, short) != short:
                    raise VistokError(
                        f"{path}, line {number}: {label} is called {short!r} and, before, {names[label]!r}. Fetch the "
                        "official file of this kind."
                    )
            case _:
                raise wrong_record(
                    path, f"line {number}", "an identifier such as /m/01g317 and a name are", line
                )
    return names


def read_relatives(path: Path, names: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Returns the names of the classes above and below each class, from the official tree (JSON).

    Raises:
        VistokError: the file is missing, or is not such a tree.
    """
    above: dict[str, set[str]] = {}

    def walk(node: Any, ancestors: frozenset[str]) -> None:
        match node:
            case {"LabelName": str() as label}:
                name = names.get(label)  # the root has none
                if name:
                    above.setdefault(name, set()).update(ancestors)
                for below in node.get("Subcategory", ()):
                    walk(below, ancestors | ({name} if name else set()))
                for component in node.get("Part", ()):  # a wheel is not a kind of car
                    walk(component, frozenset())
            case _:
                raise wrong_record(path, "a class", "a LabelName is", node)

    walk(read_json(path, what=_HIERARCHY), frozenset())
    related = {name: set(ancestors) - {name} for name, ancestors in above.items()}
    for name, ancestors in above.items():
        for ancestor in ancestors - {name}:
            related[ancestor].add(name)
    return {name: frozenset(relatives) for name, relatives in related.items()}


def _unclear(boxes: list[Box], related: Mapping[str, frozenset[str]]) -> list[Box]:
    """Returns an image's boxes; those of a class with relatives in it are crowds, since their number is unclear."""
    categories = {box.category for box in boxes}
    return [
        box._replace(crowd=box.crowd or bool(related.get(box.category, frozenset()) & categories))
        for box in boxes
    ]


def read_boxes(path: Path, names: Mapping[str, str]) -> Iterator[Box]:
    """Yields the boxes in file order; only one line is in memory at a time.

    Raises:
        VistokError: the file is missing, lacks a column, or has a line with a class that is not in `names` or without
            a box inside the image.
    """
    lines = read_lines(path, what=_BOXES)
    header = next(lines, [])
    if missing := [name for name in _COLUMNS if name not in header]:
        raise VistokError(
            f"{path} is no {_BOXES}: its first line must name the columns {', '.join(_COLUMNS)}; "
            f"{', '.join(missing)} not found in {', '.join(header)[:160] or 'an empty line'}. "
            "Name the official file of this kind."
        )
    columns = [header.index(name) for name in _COLUMNS]
    for number, line in enumerate(lines, start=2):
        try:
            box = _box([line[column] for column in columns], names)
        except (IndexError, KeyError, ValueError) as error:
            needed = (
                "an image, a class of the class descriptions, XMin <= XMax and YMin <= YMax in 0..1, and an IsGroupOf "
                "of 0, 1 or -1 are"
            )
            raise wrong_record(path, f"line {number}", needed, ",".join(line)) from error
        yield box


def _box(cells: list[str], names: Mapping[str, str]) -> Box:
    image, label, group, *numbers = cells
    left, right, top, bottom = map(float, numbers)
    if not (image and 0 <= left <= right <= 1 and 0 <= top <= bottom <= 1):
        raise ValueError("no box inside an image")
    # -1 is unknown: such a box may be a group too.
    if group not in ("0", "1", "-1"):
        raise ValueError("no IsGroupOf")
    return Box(image, names[label], group != "0", left, right, top, bottom)


def _by_image(path: Path, names: Mapping[str, str]) -> Iterator[tuple[str, Iterator[Box]]]:
    seen: set[str] = set()
    for image, boxes in groupby(read_boxes(path, names), key=itemgetter(0)):
        if image in seen:
            raise VistokError(
                f"{path}: the boxes of image {image} do not stand together. Sort the lines by ImageID, or fetch the "
                "official file."
            )
        seen.add(image)
        yield image, boxes


def _in_pixels(box: Box, width: int, height: int) -> ObjectAnnotation:
    x, y = box.left * width, box.top * height
    size = (box.right - box.left) * width, (box.bottom - box.top) * height
    return ObjectAnnotation(box.category, (x, y, *size), box.crowd)
