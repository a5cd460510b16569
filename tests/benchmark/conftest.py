"""A small set of annotations, written as the official files are."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

CATEGORIES = ("cross", "half moon", "knife", "person", "skis")


def write_instances(
    path: Path, images: Sequence[dict[str, int]], crowds: Sequence[tuple[int, str]] = ()
) -> Path:
    """Writes a COCO instances file: for each image category -> regions, and one-crowd pairs."""
    regions = [
        (image, name, 0)
        for image, counts in enumerate(images, 1)
        for name, count in counts.items()
        for _ in range(count)
    ] + [(image, name, 1) for image, name in crowds]
    ids = {name: position for position, name in enumerate(CATEGORIES, start=1)}
    value = {
        "images": [
            {"id": image, "file_name": f"{image:012}.jpg", "height": 48, "width": 48}
            for image, _ in enumerate(images, 1)
        ],
        "categories": [{"id": number, "name": name} for name, number in ids.items()],
        "annotations": [
            {"image_id": image, "category_id": ids[name], "bbox": [0, 0, 9, 9], "iscrowd": crowd}
            for image, name, crowd in regions
        ],
    }
    path.write_text(json.dumps(value))
    return path


def random_images(count: int, seed: int = 0) -> list[dict[str, int]]:
    """Images of one to four categories, counts falling off as in photographs."""
    random = np.random.default_rng(seed)
    return [
        {
            name: int(min(9, random.geometric(0.4)))
            for name in random.permutation(CATEGORIES)[: random.integers(1, 5)].tolist()
        }
        for _ in range(count)
    ]


@pytest.fixture(scope="session")
def many_instances(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_instances(tmp_path_factory.mktemp("coco") / "instances.json", random_images(400))


@pytest.fixture
def vcr_folder(tmp_path: Path) -> Path:
    """Two VCR metadata files, of four objects and of two."""
    for stem, names in (
        ("lsmdc_1/a@0", ["person", "person", "wineglass", "tie"]),
        ("movieclips_2/b@1", ["person", "cup"]),
    ):
        path = tmp_path / "vcr1images" / f"{stem}.json"
        path.parent.mkdir(parents=True)
        boxes = [[0.0, 0.0, 1.0, 1.0, 0.9] for _ in names]
        path.write_text(
            json.dumps(
                {"boxes": boxes, "segms": [[] for _ in names], "names": names, "width": 9, "height": 9}
            )
        )
    return tmp_path / "vcr1images"
