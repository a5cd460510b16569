"""Reads which photographs of Visual Genome are COCO's; without Pillow, for scorers need no images."""

from pathlib import Path
from typing import Final

from vistok.datasets.official import listed, wrong_record
from vistok.reading import read_json

_IMAGES: Final = "Visual Genome image data"


def read_coco_ids(path: Path) -> dict[int, int]:
    """Returns the COCO id of each image of Visual Genome that is a COCO photograph, from its `image_data.json` (v1.2).

    Raises:
        VistokError: the file is missing, truncated or of another shape.
    """
    coco_ids = {}
    for position, entry in enumerate(listed(path, read_json(path, what=_IMAGES), what=_IMAGES)):
        match entry:
            case {"image_id": int() as image, "coco_id": int() as photograph}:
                coco_ids[image] = photograph
            case {"image_id": int(), "coco_id": None}:
                pass
            case _:
                raise wrong_record(
                    path, f"record {position}", "an image_id and a coco_id, or null, are", entry
                )
    return coco_ids
