"""FID's network is what its authors' code computes, and its file is read as it is published."""

from pathlib import Path

import pytest
import torch
from tests.official_inception import FILE, features, random_inception, write_inception

from vistok.errors import VistokError
from vistok.probes.inception import WIDTH, load_inception


def test_it_has_the_published_features(tmp_path: Path) -> None:
    state = write_inception(tmp_path)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    found, expected = load_inception(tmp_path / FILE).features(images), features(state, images)
    assert found.shape == (2, WIDTH) and expected.std() > 0.01
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


def test_counters_of_training_are_not_read_and_another_file_is_refused(tmp_path: Path) -> None:
    state = random_inception()
    path = tmp_path / "inception.pth"
    torch.save(state | {"Conv2d_1a_3x3.bn.num_batches_tracked": torch.tensor(7)}, path)
    load_inception(path)
    torch.save({name: tensor for name, tensor in state.items() if name != "fc.bias"}, path)
    with pytest.raises(VistokError, match=r"of another architecture: 1 tensors missing \['fc\.bias'\]"):
        load_inception(path)
