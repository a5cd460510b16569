"""Small images with an annotated object in some of their four cells, as shards, and a net that reads them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.supervision.conftest import png

from vistok.datasets.coco import ObjectAnnotation
from vistok.datasets.rows import ImageRow
from vistok.datasets.shards import write_rows
from vistok.grid.ett_sizes import TokenizerTraining
from vistok.probes.cell_net import CellNet, Contents
from vistok.supervision.ibq.images import ImagePool

SIDE, CELL = 32, 16
COLOURS = {"red": (220, 40, 40), "blue": (40, 60, 220)}


def pictures(count: int, seed: int) -> Iterator[ImageRow]:
    """Squares and bars of two colours, each in the middle of its cell, on noise."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        pixels, objects = rng.integers(90, 130, (SIDE, SIDE, 3)), []
        for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
            kind = ("square", "bar", None)[rng.integers(3)]
            colour = ("red", "blue")[rng.integers(2)]
            if kind is None:
                continue
            width = 10 if kind == "square" else 4
            top, left = row * CELL + 3, column * CELL + (CELL - width) // 2
            pixels[top : top + 10, left : left + width] = COLOURS[colour]
            box = (float(left), float(top), float(width), 10.0)
            objects.append(ObjectAnnotation(kind, box, False, (("color", colour),)))
        yield ImageRow(f"{seed}-{number}", png(pixels.astype(np.uint8)), None, (), tuple(objects))


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two sets."""
    root = tmp_path_factory.mktemp("pictures")
    for name, count, seed in (("first", 24, 0), ("second", 16, 1)):
        write_rows(pictures(count, seed), root / name, categories=("square", "bar"))
    return [root / "first", root / "second"]


@pytest.fixture
def pool(folders: list[Path]) -> ImagePool:
    return ImagePool(folders, SIDE)


@pytest.fixture
def net() -> CellNet:
    torch.manual_seed(0)
    return CellNet((8, 8, 8, 16), Contents(("bar", "square"), ("blue", "red")))


def training(**changed: Any) -> TokenizerTraining:
    """Returns a tokenizer's training of some seconds."""
    network = {
        "image_size": SIDE, "codes": 16, "width": 8, "channels": 32, "multipliers": [1, 1], "blocks": [0, 1],
        "stem": 4, "lean": True, "linear": True,
    } | changed.pop("network", {})  # fmt: skip
    return TokenizerTraining.model_validate(
        {
            "network": network, "images": ["first", "second"], "seed": 0, "steps": 8, "batch": 4,
            "optimiser": {"learning_rate": 1e-3, "warmup_steps": 1, "weight_decay": 0.0}, "autoencoder_steps": 4,
            "start_images": 20, "perceptual": [1, 1, 1, 3], "entropy": 0.1, "average": 0.5, "least_use": 0.0,
            "gate_images": 24, "parameters_m": 0.1, **changed,
        }
    )  # fmt: skip
