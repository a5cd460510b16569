"""A job computes where its scale says, or says at once that it cannot."""

import pytest
import torch

from vistok.errors import VistokError
from vistok.training.devices import device_of


def test_a_job_that_asks_for_no_gpu_is_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    assert device_of(0, {}) == torch.device("cpu")


@pytest.mark.parametrize(("rank", "device"), [({}, "cuda:0"), ({"LOCAL_RANK": "3"}, "cuda:3")])
def test_each_process_has_its_own_gpu(
    monkeypatch: pytest.MonkeyPatch, rank: dict[str, str], device: str
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert device_of(8, rank) == torch.device(device)


def test_a_gpu_that_is_absent_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(
        VistokError, match=r"asks for 1 GPU\(s\).*process 0 of this node finds 0.*VISTOK_DEVICE=cpu"
    ):
        device_of(1, {})


def test_more_processes_than_gpus_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    with pytest.raises(VistokError, match=r"process 2 of this node finds 2: CUDA_VISIBLE_DEVICES is '0,1'"):
        device_of(4, {"LOCAL_RANK": "2", "CUDA_VISIBLE_DEVICES": "0,1"})


def test_the_cpu_can_be_chosen_and_nothing_else() -> None:
    assert device_of(8, {"VISTOK_DEVICE": "cpu"}) == torch.device("cpu")
    with pytest.raises(VistokError, match=r"VISTOK_DEVICE is 'tpu'\. Legal: cpu"):
        device_of(0, {"VISTOK_DEVICE": "tpu"})
