"""Bytes are normalised where an encoder computes, to the bit as they are elsewhere."""

import numpy as np
import pytest
import torch

from vistok.datasets.preprocessing import STATISTICS, Preprocessing, channels_first
from vistok.grid.tokenizers import Normalisation
from vistok.tokenizers.pixels import normalise


@pytest.mark.parametrize("name", STATISTICS)
def test_every_byte_becomes_what_evaluation_makes_of_it(name: Normalisation) -> None:
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    expected = Preprocessing(16, name).normalise(pixels[None])
    result = normalise(torch.from_numpy(channels_first(pixels))[None], name)
    assert result.dtype == torch.float32 and np.array_equal(result.numpy(), expected)
