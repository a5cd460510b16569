"""FID's Inception with random weights, as its published file has it, and what it computes of them.

Written from what pytorch-fid 0.3.0 does (inception.py); nothing is shared with this project's own network.
"""

from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

State = dict[str, Tensor]
FILE: Final = "weights/pt_inception-2015-12-05-6726825d.pth"
_STEM: Final = (
    ("Conv2d_1a_3x3", 3, 32, 3), ("Conv2d_2a_3x3", 32, 32, 3), ("Conv2d_2b_3x3", 32, 64, 3),
    ("Conv2d_3b_1x1", 64, 80, 1), ("Conv2d_4a_3x3", 80, 192, 3),
)  # fmt: skip


def write_inception(root: Path) -> State:
    """Writes the file below a data root, and returns what it holds."""
    state = random_inception()
    (root / FILE).parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, root / FILE)
    return state


def write_photographs(root: Path, number: int) -> list[str]:
    """Writes photographs in folders by class, as ImageNet's validation set has them; returns their names."""
    generator, names = np.random.default_rng(0), []
    for index in range(number):
        width, height = ((90, 60), (60, 75), (64, 64))[index % 3]
        coarse = generator.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        names.append(f"n0{1440764 + index // 4}/ILSVRC2012_val_{index + 1:08d}.JPEG")
        path = root / "imagenet/val" / names[-1]
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, "JPEG", quality=95)
    return names


def random_inception() -> State:
    generator, state = torch.Generator().manual_seed(0), State()
    for name, before, channels, height, width in _layers():
        spread = (2 / (before * height * width)) ** 0.5
        state[f"{name}.conv.weight"] = spread * torch.randn(
            channels, before, height, width, generator=generator
        )
        for part, least in (("weight", 0.5), ("bias", -0.2), ("running_mean", -0.2), ("running_var", 0.5)):
            state[f"{name}.bn.{part}"] = least + torch.rand(channels, generator=generator)
    return state | {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}


def _layers() -> list[tuple[str, int, int, int, int]]:
    """Returns every convolution: its name, channels in and out, and its kernel's height and width."""
    made = [(name, before, after, side, side) for name, before, after, side in _STEM]

    def add(block: str, before: int, *branches: tuple[str, int, int, int, int]) -> None:
        made.extend((f"{block}.{name}", into or before, after, h, w) for name, into, after, h, w in branches)

    for block, before, pool in (("Mixed_5b", 192, 32), ("Mixed_5c", 256, 64), ("Mixed_5d", 288, 64)):
        add(
            block, before, ("branch1x1", 0, 64, 1, 1), ("branch5x5_1", 0, 48, 1, 1), ("branch5x5_2", 48, 64, 5, 5),
            ("branch3x3dbl_1", 0, 64, 1, 1), ("branch3x3dbl_2", 64, 96, 3, 3), ("branch3x3dbl_3", 96, 96, 3, 3),
            ("branch_pool", 0, pool, 1, 1),
        )  # fmt: skip
    add(
        "Mixed_6a", 288, ("branch3x3", 0, 384, 3, 3), ("branch3x3dbl_1", 0, 64, 1, 1),
        ("branch3x3dbl_2", 64, 96, 3, 3), ("branch3x3dbl_3", 96, 96, 3, 3),
    )  # fmt: skip
    for block, c in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
        add(
            block, 768, ("branch1x1", 0, 192, 1, 1), ("branch7x7_1", 0, c, 1, 1), ("branch7x7_2", c, c, 1, 7),
            ("branch7x7_3", c, 192, 7, 1), ("branch7x7dbl_1", 0, c, 1, 1), ("branch7x7dbl_2", c, c, 7, 1),
            ("branch7x7dbl_3", c, c, 1, 7), ("branch7x7dbl_4", c, c, 7, 1), ("branch7x7dbl_5", c, 192, 1, 7),
            ("branch_pool", 0, 192, 1, 1),
        )  # fmt: skip
    add(
        "Mixed_7a", 768, ("branch3x3_1", 0, 192, 1, 1), ("branch3x3_2", 192, 320, 3, 3),
        ("branch7x7x3_1", 0, 192, 1, 1), ("branch7x7x3_2", 192, 192, 1, 7), ("branch7x7x3_3", 192, 192, 7, 1),
        ("branch7x7x3_4", 192, 192, 3, 3),
    )  # fmt: skip
    for block, before in (("Mixed_7b", 1280), ("Mixed_7c", 2048)):
        add(
            block, before, ("branch1x1", 0, 320, 1, 1), ("branch3x3_1", 0, 384, 1, 1),
            ("branch3x3_2a", 384, 384, 1, 3), ("branch3x3_2b", 384, 384, 3, 1), ("branch3x3dbl_1", 0, 448, 1, 1),
            ("branch3x3dbl_2", 448, 384, 3, 3), ("branch3x3dbl_3a", 384, 384, 1, 3),
            ("branch3x3dbl_3b", 384, 384, 3, 1), ("branch_pool", 0, 192, 1, 1),
        )  # fmt: skip
    return made


def features(state: State, images: Tensor) -> Tensor:
    """Returns the features of images from -1 to 1."""

    def layer(x: Tensor, name: str, *, stride: int = 1, pad: bool = True) -> Tensor:
        kernel = state[f"{name}.conv.weight"]
        around = tuple(side // 2 for side in kernel.shape[2:]) if pad else 0
        seen = functional.conv2d(x, kernel, stride=stride, padding=around)
        mean, variance, weight, bias = (
            state[f"{name}.bn.{part}"][:, None, None]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return ((seen - mean) / (variance + 0.001).sqrt() * weight + bias).relu()

    def chain(x: Tensor, block: str, *names: str) -> Tensor:
        for name in names:
            x = layer(x, f"{block}.{name}")
        return x

    def average(x: Tensor) -> Tensor:
        inside = functional.avg_pool2d(torch.ones_like(x), 3, 1, 1)
        return functional.avg_pool2d(x, 3, 1, 1) / inside

    x = functional.interpolate(images, (299, 299), mode="bilinear", align_corners=False)
    x = layer(layer(x, "Conv2d_1a_3x3", stride=2, pad=False), "Conv2d_2a_3x3", pad=False)
    x = functional.max_pool2d(layer(x, "Conv2d_2b_3x3"), 3, 2)
    x = functional.max_pool2d(layer(layer(x, "Conv2d_3b_1x1"), "Conv2d_4a_3x3", pad=False), 3, 2)
    thrice = ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")
    for block in ("Mixed_5b", "Mixed_5c", "Mixed_5d"):
        five = chain(x, block, "branch5x5_1", "branch5x5_2")
        pooled = chain(average(x), block, "branch_pool")
        x = torch.cat([chain(x, block, "branch1x1"), five, chain(x, block, *thrice), pooled], 1)
    halved = chain(x, "Mixed_6a", *thrice[:2])
    x = torch.cat(
        [
            layer(x, "Mixed_6a.branch3x3", stride=2, pad=False),
            layer(halved, "Mixed_6a.branch3x3dbl_3", stride=2, pad=False),
            functional.max_pool2d(x, 3, 2),
        ],
        1,
    )
    for block in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):
        seven = chain(x, block, *(f"branch7x7_{n}" for n in (1, 2, 3)))
        double = chain(x, block, *(f"branch7x7dbl_{n}" for n in (1, 2, 3, 4, 5)))
        x = torch.cat(
            [chain(x, block, "branch1x1"), seven, double, chain(average(x), block, "branch_pool")], 1
        )
    seven = chain(x, "Mixed_7a", *(f"branch7x7x3_{n}" for n in (1, 2, 3)))
    x = torch.cat(
        [
            layer(chain(x, "Mixed_7a", "branch3x3_1"), "Mixed_7a.branch3x3_2", stride=2, pad=False),
            layer(seven, "Mixed_7a.branch7x7x3_4", stride=2, pad=False),
            functional.max_pool2d(x, 3, 2),
        ],
        1,
    )
    for block in ("Mixed_7b", "Mixed_7c"):
        three, double = chain(x, block, "branch3x3_1"), chain(x, block, "branch3x3dbl_1", "branch3x3dbl_2")
        sides = [
            chain(each, block, f"{name}{part}")
            for each, name in ((three, "branch3x3_2"), (double, "branch3x3dbl_3"))
            for part in "ab"
        ]
        pooled = average(x) if block == "Mixed_7b" else functional.max_pool2d(x, 3, 1, 1)
        x = torch.cat([chain(x, block, "branch1x1"), *sides, chain(pooled, block, "branch_pool")], 1)
    return x.mean(dim=(2, 3))
