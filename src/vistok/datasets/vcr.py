"""Reads VCR's metadata files: the objects that VCR's own detector found in one image."""

from dataclasses import dataclass
from pathlib import Path

from vistok.datasets.attributes import Attributes, attributes_of
from vistok.datasets.official import wrong_record
from vistok.errors import VistokError
from vistok.reading import read_json

_METADATA = "VCR metadata file"
_FAR = 1e9  # no image is so large
_OF_THE_IMAGE = ("background", "backgrounds")
Box = tuple[float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class VCRMetadata:
    """One image's detections; a box is left, top, right, bottom in pixels and the detector's score.

    Names are COCO's without spaces, e.g. `wineglass`; there is one for each box.

    Attributes:
        attributes: further attributes of each object, one per box; not in official files.
        image_attributes: further attributes of the image, such as its background; not in official files.
    """

    boxes: tuple[Box, ...]
    names: tuple[str, ...]
    width: int
    height: int
    attributes: tuple[Attributes, ...]
    image_attributes: Attributes = ()


def read_metadata(path: Path) -> VCRMetadata:
    """Returns the detections of one image (.json or .json.gz).

    Raises:
        VistokError: the file is missing, truncated, or of another shape.
    """
    value = read_json(path, what=_METADATA, drop=frozenset({"segms"}))
    match value:
        case {
            "boxes": list() as boxes,
            "names": list() as names,
            "width": int() as width,
            "height": int() as height,
        } if (
            min(width, height) > 0
            and len(boxes) == len(names)
            and all(isinstance(name, str) for name in names)
        ):
            listed = value.get("attributes", [{}] * len(boxes))
            if isinstance(listed, list) and len(listed) == len(boxes):
                image_attributes = attributes_of({name: value.get(name) for name in _OF_THE_IMAGE})
                attributes = tuple(attributes_of(each) for each in listed)
                return VCRMetadata(
                    tuple(_box(path, box) for box in boxes),
                    tuple(names),
                    width,
                    height,
                    attributes,
                    image_attributes,
                )
    if not isinstance(value, dict):
        raise VistokError(
            f"{path} is not a {_METADATA}: an object is needed, found a JSON {type(value).__name__}."
        )
    raise wrong_record(
        path, "the file", "width, height, boxes and as many names (and attributes, if it has any) are", value
    )


def _box(path: Path, box: object) -> Box:
    match box:
        case [
            int() | float() as left,
            int() | float() as top,
            int() | float() as right,
            int() | float() as bottom,
            int() | float() as score,
        ] if (
            bool not in map(type, box)
            and all(abs(number) < _FAR for number in box)
            and left <= right
            and top <= bottom
        ):
            return float(left), float(top), float(right), float(bottom), float(score)
    raise wrong_record(path, "a box", "left, top, right and bottom (not below these) and score are", box)
