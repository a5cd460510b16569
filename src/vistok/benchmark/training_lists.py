"""The images that a model was trained on, from any of the usual kinds of lists."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from vistok.benchmark.annotations import ImageId, coco_id, read_image_list
from vistok.datasets.visual_genome_ids import read_coco_ids
from vistok.errors import VistokError
from vistok.reading import read_json, read_text

WHAT: Final = "training list"
# Of Karpathy's dataset_coco.json: what the usual captioning split trains on.
KARPATHY_TRAINING: Final = ("train", "restval")
_LEGAL: Final = (
    "COCO's instances, captions or image information; Karpathy's dataset_coco.json; Visual Genome's image_data.json; "
    "VQAv2's annotations or questions; a JSON list of records with image_id or image; a list with an id or a file name "
    "a line"
)


def read_training_images(path: Path, splits: Collection[str] = KARPATHY_TRAINING) -> frozenset[ImageId]:
    """Returns the COCO ids (or other names) of the images that a list names.

    Args:
        path: a file of one of the shapes above, plain or gzipped.
        splits: which parts of a Karpathy file are trained on.

    Raises:
        VistokError: the file has none of the shapes, or names no image.
    """
    start = read_text(path, what=WHAT).lstrip()[:1]
    images = frozenset(_of_json(path, splits) if start in ("{", "[") else _of_lines(path))
    if not images:
        raise VistokError(f"{path} ({WHAT}) names no image of COCO. Legal: {_LEGAL}.")
    return images


def _of_lines(path: Path) -> tuple[ImageId, ...]:
    try:
        return read_image_list(path, "coco")
    except VistokError:
        return read_image_list(path, "vcr")


def _of_json(path: Path, splits: Collection[str]) -> Iterator[ImageId]:
    value = read_json(path, what=WHAT, drop=frozenset({"segmentation", "sentences", "tokens"}))
    rows = value
    if isinstance(value, dict):
        rows = next((value[key] for key in ("images", "annotations", "questions") if value.get(key)), None)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise VistokError(f"{path} ({WHAT}) has no shape that is known. Legal: {_LEGAL}.")
    if rows and "coco_id" in rows[0]:
        yield from read_coco_ids(path).values()
        return
    if rows and "cocoid" in rows[0]:
        rows = [row for row in rows if row.get("split") in splits]
        if not rows:
            raise VistokError(
                f"{path} has no image of the splits {', '.join(splits)}: name others with --splits."
            )
    for number, row in enumerate(rows):
        yield _image(path, number, row)


def _image(path: Path, number: int, row: Mapping[str, Any]) -> ImageId:
    for key in ("cocoid", "image_id", "id", "file_name", "image"):
        value = row.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value and key != "id":
            try:
                return coco_id(path, number, value)
            except VistokError:
                return value
    raise VistokError(f"{path} ({WHAT}), record {number} names no image: {str(row)[:80]}. Legal: {_LEGAL}.")
