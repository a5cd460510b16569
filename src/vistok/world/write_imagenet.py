"""Writes labelled scenes as ImageNet lays out its training set."""

from collections.abc import Sequence
from pathlib import Path

from vistok.files import write_text
from vistok.world.catalog import CATEGORY_NAMES, COCO_IDS
from vistok.world.scene import Scene
from vistok.world.write_coco import write_images


def write_imagenet(scenes: Sequence[Scene], folder: Path) -> None:
    """Writes `train/<synset>/<synset>_<n>.JPEG` and LOC_synset_mapping.txt; a scene's first category is its label."""
    names = []
    for number, scene in enumerate(scenes):
        synset = _synset(scene.groups[0].category)
        names.append(f"{synset}/{synset}_{number}.JPEG")
    write_images(scenes, names, folder / "train")
    mapping = "".join(f"{_synset(name)} {name}\n" for name in CATEGORY_NAMES)
    write_text(folder / "LOC_synset_mapping.txt", mapping)


def _synset(category: str) -> str:
    return f"n{COCO_IDS[category]:08d}"
