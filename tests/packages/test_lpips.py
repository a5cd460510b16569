"""LPIPS with its published weights against its authors' own code; those of VGG16 are random: no package has them."""

import importlib
import sys
from pathlib import Path

import pytest
import torch

from vistok.checkpoints import read_tensors
from vistok.files import digest_file
from vistok.grid.downloads import load_downloads
from vistok.supervision.ibq.lpips import Lpips, from_released

LEARNT = "lpips/weights/v0.1/vgg.pth"


@pytest.mark.filterwarnings("ignore")  # of torchvision, which its code asks in a way of 2018
def test_it_computes_what_its_authors_code_does(
    lpips_package: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = lpips_package / LEARNT
    assert digest_file(file) == load_downloads(repository)["lpips-vgg"].sha256
    monkeypatch.syspath_prepend(lpips_package)
    torch.manual_seed(0)
    theirs = importlib.import_module("lpips").LPIPS(net="vgg", pnet_rand=True, verbose=False).eval()
    for name in [name for name in sys.modules if name.partition(".")[0] == "lpips"]:
        del sys.modules[name]
    slices = [getattr(theirs.net, f"slice{number}") for number in range(1, 6)]
    vgg = {f"features.{name}": tensor for part in slices for name, tensor in part.state_dict().items()}
    ours = Lpips()
    ours.load_state_dict(from_released(vgg, read_tensors(file), sources=(file, file)))
    images, painted = (torch.rand(4, 3, 64, 64) * 2 - 1 for _ in range(2))
    with torch.no_grad():
        assert torch.allclose(ours(images, painted), theirs(images, painted).mean(), rtol=1e-5)
