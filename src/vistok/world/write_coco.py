"""Writes scenes as a COCO or Objects365 split: images, instances JSON and captions JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vistok.files import write_text
from vistok.world.captions import sample_captions
from vistok.world.catalog import CATEGORY_NAMES, COCO_IDS, IMAGE_SIZE
from vistok.world.draws import Draws
from vistok.world.grounds import cell_backgrounds
from vistok.world.render import encode_jpegs
from vistok.world.scene import Box, Crowd, Group, Scene

CAPTIONS_PER_IMAGE = 5
LICENSES = [{"id": 1, "name": "Apache License 2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}]
OBJECTS365_FIRST_ID = 500_000


@dataclass(frozen=True, slots=True)
class CocoSplit:
    """Scenes with the ids that COCO's files name them by."""

    name: str
    first_id: int
    scenes: Sequence[Scene]

    def image_ids(self) -> range:
        return range(self.first_id, self.first_id + len(self.scenes))


def write_coco_split(split: CocoSplit, draws: Draws, folder: Path) -> None:
    """Writes `<name>2017/*.jpg` and both annotation files below `folder`."""
    names = [f"{image_id:012d}.jpg" for image_id in split.image_ids()]
    write_images(split.scenes, names, folder / f"{split.name}2017")
    header = {"info": _info("the vistok world in COCO's format"), "licenses": LICENSES}
    images = _images(split, names)
    annotations = folder / "annotations"
    write_compact(
        annotations / f"instances_{split.name}2017.json",
        {**header, "images": images, "annotations": _instances(split), "categories": _categories()},
    )
    write_compact(
        annotations / f"captions_{split.name}2017.json",
        {**header, "type": "captions", "images": images, "annotations": _captions(split, draws)},
    )


def write_objects365(scenes: Sequence[Scene], folder: Path) -> None:
    """Writes `train/*.jpg` and `annotations/zhiyuan_objv2_train.json` below `folder`."""
    split = CocoSplit("train", OBJECTS365_FIRST_ID, scenes)
    names = [f"objects365_v2_{image_id:08d}.jpg" for image_id in split.image_ids()]
    annotations = folder / "annotations" / "zhiyuan_objv2_train.json"
    write_annotated(split, names, folder / "train", annotations, "the vistok world in Objects365's format")


def write_annotated(
    split: CocoSplit, names: Sequence[str], images: Path, annotations: Path, description: str
) -> None:
    """Writes images by their names below a folder, and what they show into one instances file."""
    write_images(split.scenes, names, images)
    write_compact(
        annotations,
        {
            "info": _info(description),
            "licenses": LICENSES,
            "images": _images(split, names),
            "annotations": _instances(split),
            "categories": _categories(),
        },
    )


def write_images(scenes: Sequence[Scene], names: Sequence[str], folder: Path) -> None:
    """Writes each scene's JPEG under its name, which may have a folder of its own.

    The caller stages the folder as a whole, so the files themselves are written plainly.
    """
    for subfolder in sorted({(folder / name).parent for name in names}):
        subfolder.mkdir(parents=True, exist_ok=True)
    for name, image in zip(names, encode_jpegs(scenes), strict=True):
        (folder / name).write_bytes(image)


def write_compact(path: Path, value: object) -> None:
    """Writes JSON on one line, as the official files are; indenting millions of values takes minutes."""
    write_text(path, json.dumps(value, ensure_ascii=False) + "\n")


def _info(description: str) -> dict[str, Any]:
    return {"description": description, "version": "1.0", "year": 2017, "contributor": "vistok"}


def object_attributes(shown: Group | Crowd) -> dict[str, str]:
    """Returns what is true of an object besides its category, under the key that annotation tools add to COCO's."""
    return {"color": shown.color, "size": shown.size}


def image_attributes(scene: Scene) -> dict[str, Any]:
    """Returns the background that a scene names, and that of each of its nine cells, row by row."""
    return {"background": scene.background, "backgrounds": list(cell_backgrounds(scene))}


def _images(split: CocoSplit, names: Sequence[str]) -> list[dict[str, Any]]:
    size = {"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    return [
        {"license": 1, "file_name": name, **size, "id": image_id, "attributes": image_attributes(scene)}
        for image_id, name, scene in zip(split.image_ids(), names, split.scenes, strict=True)
    ]


def _categories() -> list[dict[str, Any]]:
    return [{"supercategory": "shape", "id": COCO_IDS[name], "name": name} for name in CATEGORY_NAMES]


def _instances(split: CocoSplit) -> list[dict[str, Any]]:
    records = [
        _instance(image_id, shown, box)
        for image_id, scene in zip(split.image_ids(), split.scenes, strict=True)
        for shown, box in _boxes(scene)
    ]
    return [{**record, "id": number} for number, record in enumerate(records, start=split.first_id * 10)]


def _boxes(scene: Scene) -> list[tuple[Group | Crowd, Box]]:
    boxes: list[tuple[Group | Crowd, Box]] = [(group, box) for group in scene.groups for box in group.boxes()]
    return boxes + ([(scene.crowd, scene.crowd.box())] if scene.crowd else [])


def _instance(image_id: int, shown: Group | Crowd, box: Box) -> dict[str, Any]:
    x0, y0, x1, y1 = box
    crowd = isinstance(shown, Crowd)
    return {
        "segmentation": _run_lengths(box) if crowd else [[x0, y0, x1, y0, x1, y1, x0, y1]],
        "area": (x1 - x0) * (y1 - y0),
        "iscrowd": int(crowd),
        "image_id": image_id,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "category_id": COCO_IDS[shown.category],
        "attributes": object_attributes(shown),
    }


def _run_lengths(box: Box) -> dict[str, Any]:
    """Returns COCO's uncompressed run lengths of a filled box, column by column, zeros first."""
    x0, y0, x1, y1 = box
    height, gap = y1 - y0, IMAGE_SIZE - (y1 - y0)
    counts = [x0 * IMAGE_SIZE + y0] + [height, gap] * (x1 - x0)
    counts[-1] += (IMAGE_SIZE - x1) * IMAGE_SIZE - y0
    return {"counts": counts, "size": [IMAGE_SIZE, IMAGE_SIZE]}


def _captions(split: CocoSplit, draws: Draws) -> list[dict[str, Any]]:
    pairs = [
        (image_id, caption)
        for image_id, scene in zip(split.image_ids(), split.scenes, strict=True)
        for caption in sample_captions(scene, draws, CAPTIONS_PER_IMAGE)
    ]
    return [
        {"image_id": image_id, "id": number, "caption": caption}
        for number, (image_id, caption) in enumerate(pairs, start=split.first_id * 10)
    ]
