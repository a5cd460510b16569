"""Writes scenes as a VCR split: film frames, each with its detections, and a JSON Lines index."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vistok.files import write_json, write_jsonl
from vistok.world.catalog import BY_NAME, COCO_IDS, IMAGE_SIZE
from vistok.world.draws import Draws
from vistok.world.scene import Box, Scene
from vistok.world.write_coco import image_attributes, object_attributes, write_compact, write_images

FRAMES_PER_MOVIE = 20


def write_vcr_split(name: str, first_movie: int, scenes: Sequence[Scene], draws: Draws, folder: Path) -> None:
    """Writes `vcr1images/<movie>/<frame>@<k>.{jpg,json}` and `<name>.jsonl` below `folder`."""
    stems = [_stem(first_movie, number) for number in range(len(scenes))]
    images = folder / "vcr1images"
    write_images(scenes, [f"{stem}.jpg" for stem in stems], images)
    for stem, scene in zip(stems, scenes, strict=True):
        write_compact(images / f"{stem}.json", _metadata(scene, draws))
    rows = [_row(name, number, stems[number], scene) for number, scene in enumerate(scenes)]
    write_jsonl(folder / f"{name}.jsonl", rows)


def write_vocabulary(folder: Path) -> None:
    """Writes `cocoontology.json`: VCR's class names, which have no spaces, by COCO id."""
    names = {str(COCO_IDS[name]): BY_NAME[name].compact for name in BY_NAME}
    write_json(
        folder / "cocoontology.json",
        {number: {"name": name, "supercategory": "shape"} for number, name in names.items()},
    )


def _stem(first_movie: int, number: int) -> str:
    """Returns "<movie folder>/<frame>@<k>", spelt as the two sources of VCR spell theirs."""
    movie, frame = first_movie + number // FRAMES_PER_MOVIE, number % FRAMES_PER_MOVIE
    if movie % 2:
        return f"movieclips_World_{movie:04d}/World_{movie:04d}_{frame}@{frame % 4}"
    title = f"{movie:04d}_THE_WORLD"
    time = f"00.00.{2 * frame:02d}.000-00.00.{2 * frame + 1:02d}.500"
    return f"lsmdc_{title}/{title}_{time}@{frame % 4}"


def _objects(scene: Scene) -> list[tuple[str, Box]]:
    return [(BY_NAME[group.category].compact, box) for group in scene.groups for box in group.boxes()]


def _metadata(scene: Scene, draws: Draws) -> dict[str, Any]:
    objects = _objects(scene)
    return {
        "boxes": [[*map(float, box), draws.between(700, 999) / 1000] for _, box in objects],
        "segms": [[[[x0, y0], [x1, y0], [x1, y1], [x0, y1]]] for _, (x0, y0, x1, y1) in objects],
        "names": [name for name, _ in objects],
        "attributes": [object_attributes(group) for group in scene.groups for _ in group.objects],
        **image_attributes(scene),
        "width": IMAGE_SIZE,
        "height": IMAGE_SIZE,
    }


def _row(name: str, number: int, stem: str, scene: Scene) -> dict[str, Any]:
    return {
        "movie": stem.split("/")[0].removeprefix("lsmdc_").removeprefix("movieclips_"),
        "objects": [name for name, _ in _objects(scene)],
        "img_fn": f"{stem}.jpg",
        "metadata_fn": f"{stem}.json",
        "img_id": f"{name}-{number}",
        "annot_id": f"{name}-{number}",
    }
