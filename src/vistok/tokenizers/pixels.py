"""Normalises pixels on the device that an encoder computes on: bytes travel there, a quarter of their size."""

from functools import cache

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from vistok.datasets.preprocessing import STATISTICS
from vistok.grid.tokenizers import Normalisation


def normalise(
    images: UInt8[Tensor, "batch 3 height width"], normalisation: Normalisation
) -> Float[Tensor, "batch 3 height width"]:
    """Returns pixels as an encoder expects them, to the bit as `Preprocessing.normalise` does."""
    most, mean, deviation = _statistics(normalisation, images.device)
    return (images.float() / most - mean) / deviation


@cache
def _statistics(normalisation: Normalisation, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    # On the device already: a step that copied them there would wait for it. As a tensor: a GPU multiplies by the
    # inverse of a number, which is not quite a division.
    mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in STATISTICS[normalisation])
    return torch.tensor(255.0).to(device), mean.to(device), deviation.to(device)
