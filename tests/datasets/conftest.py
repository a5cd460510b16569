"""Tiny image sets in the official layouts, made as the tests need them."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vistok.grid.image_sets import ImageSet

SIZE = 12
CATEGORIES = ["cat", "dog", "wine glass", "person"]


def jpeg(seed: int, size: tuple[int, int] = (SIZE, SIZE)) -> bytes:
    """A photograph-like JPEG: noise that no two seeds share."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def _object(image: int, category: int, crowd: int = 0) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "bbox": [1, 2, 3.5, 4], "iscrowd": crowd, "area": 14}


@pytest.fixture
def coco_set(tmp_path: Path) -> tuple[ImageSet, Path]:
    """Six images: 1 two cats; 2 a crowd of people and one dog; 3 empty; 4 ten dogs; 5 and 6 a glass."""
    root = tmp_path / "data"
    for image in range(1, 7):
        path = root / f"coco/train2017/{image:012d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(image))
    images = [{"id": n, "file_name": f"{n:012d}.jpg", "height": SIZE, "width": SIZE} for n in range(1, 7)]
    objects = [_object(1, 1), _object(1, 1), _object(2, 4, crowd=1), _object(2, 4), _object(2, 2)]
    objects += [_object(4, 2)] * 10 + [_object(5, 3), _object(6, 3)]
    categories = [{"id": n, "name": name} for n, name in enumerate(CATEGORIES, start=1)]
    write(root / "instances.json", {"images": images, "annotations": objects, "categories": categories})
    captions = [
        {"image_id": n, "id": 10 * n + k, "caption": f"caption {k}\n of {n} "} for n in (1, 2) for k in (1, 2)
    ]
    write(root / "captions.json", {"images": images, "annotations": captions})
    asked = [
        (1, "what is it?", "cat"),
        (1, "how many?", "2"),
        (1, "what is it?", "cats"),
        (2, "who?", "people"),
    ]
    write(
        root / "questions.json",
        {
            "questions": [
                {"question_id": k, "image_id": i, "question": q} for k, (i, q, _) in enumerate(asked)
            ]
        },
    )
    answers = [
        {"question_id": k, "image_id": i, "question_type": "what", "answer_type": "other"}
        | {"multiple_choice_answer": answer, "answers": [{"answer": answer}] * 10}
        for k, (i, _, answer) in enumerate(asked)
    ]
    write(root / "annotations.json", {"annotations": answers})
    whole = ImageSet(
        format="coco",
        images="coco/train2017",
        instances="instances.json",
        captions="captions.json",
        questions="questions.json",
        annotations="annotations.json",
    )
    return whole, root


@pytest.fixture
def imagenet_set(tmp_path: Path) -> tuple[ImageSet, Path]:
    """Two classes, of three images and one, whose labels do not follow the folders' names."""
    root = tmp_path / "data"
    for seed, name in enumerate(["n01/n01_3", "n01/n01_1", "n01/n01_2", "n02/n02_1"]):
        path = root / f"ILSVRC/Data/CLS-LOC/train/{name}.JPEG"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(seed))
    (root / "ILSVRC/LOC_synset_mapping.txt").write_text("n02 goldfish, Carassius auratus\nn01 tench\n")
    return ImageSet(format="imagenet", images="ILSVRC/Data/CLS-LOC/train"), root


def write_tar(path: Path, members: list[tuple[str, bytes]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


@pytest.fixture
def make_tar() -> Callable[[Path, list[tuple[str, bytes]]], None]:
    return write_tar


@pytest.fixture
def make_jpeg() -> Callable[..., bytes]:
    return jpeg


@pytest.fixture
def web_set(tmp_path: Path) -> tuple[ImageSet, Path]:
    """Three samples in two tars; the second has its caption in the JSON member alone."""
    root = tmp_path / "data"
    record = json.dumps({"caption": "a caption in JSON", "status": "success"}).encode()
    write_tar(
        root / "web/00000.tar",
        [
            ("000000000.jpg", jpeg(100)), ("000000000.json", record), ("000000000.txt", b"first"),
            ("000000001.jpg", jpeg(101)), ("000000001.json", record),
        ],
    )  # fmt: skip
    write_tar(root / "web/00001.tar", [("000010000.txt", b"third"), ("000010000.jpg", jpeg(102))])
    return ImageSet(format="webdataset", images="web"), root
