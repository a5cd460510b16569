"""FID's network against the code that its published weights are read with; of weights there is no package: random."""

import importlib
from pathlib import Path

import pytest
import torch
from tests.official_inception import random_inception

from vistok.probes.inception import FidInception


@pytest.mark.filterwarnings("ignore")  # of torchvision, which its code asks in a way of 2023
def test_it_computes_what_published_distances_are_taken_of(
    fid_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(fid_package))
    code, state = importlib.import_module("pytorch_fid.inception"), random_inception()
    monkeypatch.setattr(code, "load_state_dict_from_url", lambda *_, **__: state)
    theirs, ours = code.InceptionV3([3]).eval(), FidInception()
    ours.network.load_state_dict(state, strict=False)
    images = torch.rand(2, 3, 256, 256)
    with torch.no_grad():
        expected = theirs(images)[0].flatten(1)
    assert torch.allclose(ours.features(images * 2 - 1), expected, rtol=1e-4, atol=1e-4)
