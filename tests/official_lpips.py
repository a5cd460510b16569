"""LPIPS as published, with random weights: its two files, and what it computes of them, by the published names.

Written from what its code does (lpips/lpips.py, pretrained_networks.py, version 0.1); nothing is shared with this
project's own network.
"""

from pathlib import Path
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

State = dict[str, Tensor]
# Convolutions of VGG16 by the maps that are compared, and the number of the first layer of each in `features`.
_STAGES: Final = (
    ((0, 64), (2, 64)),
    ((5, 128), (7, 128)),
    ((10, 256), (12, 256), (14, 256)),
    ((17, 512), (19, 512), (21, 512)),
    ((24, 512), (26, 512), (28, 512)),
)
_SHIFT: Final = torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)
_SCALE: Final = torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1)


def write_lpips(root: Path) -> tuple[State, State]:
    """Writes both files below a data root, and returns what they hold: VGG16 as torchvision has it, and the weights."""
    vgg, learnt = random_vgg(), random_weights()
    for name, state in (("weights/vgg16-397923af.pth", vgg), ("weights/lpips/vgg.pth", learnt)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, root / name)
    return vgg, learnt


def random_vgg() -> State:
    generator, state, before = torch.Generator().manual_seed(0), State(), 3
    for number, channels in (layer for stage in _STAGES for layer in stage):
        drawn = torch.randn(channels, before, 3, 3, generator=generator)
        state[f"features.{number}.weight"] = drawn * (2 / (9 * before)) ** 0.5
        state[f"features.{number}.bias"] = 0.1 * torch.randn(channels, generator=generator)
        before = channels
    return state | {"classifier.6.bias": torch.zeros(1000)}


def random_weights() -> State:
    generator = torch.Generator().manual_seed(1)
    widths = [stage[-1][1] for stage in _STAGES]
    return {
        f"lin{depth}.model.1.weight": torch.rand(1, width, 1, 1, generator=generator)
        for depth, width in enumerate(widths)
    }


def distance(vgg: State, learnt: State, images: Tensor, painted: Tensor) -> Tensor:
    """Returns how far two batches of images from -1 to 1 are apart, pair by pair."""
    total, first, second = torch.zeros(()), (images - _SHIFT) / _SCALE, (painted - _SHIFT) / _SCALE
    for depth, stage in enumerate(_STAGES):
        if depth:
            first, second = functional.max_pool2d(first, 2), functional.max_pool2d(second, 2)
        for number, _ in stage:
            weight, bias = vgg[f"features.{number}.weight"], vgg[f"features.{number}.bias"]
            first, second = (
                functional.relu(functional.conv2d(x, weight, bias, padding=1)) for x in (first, second)
            )
        one, two = (x / (x.pow(2).sum(1, keepdim=True).sqrt() + 1e-10) for x in (first, second))
        scored = functional.conv2d((one - two) ** 2, learnt[f"lin{depth}.model.1.weight"])
        total = total + scored.mean(dim=(2, 3))[:, 0]
    return total
