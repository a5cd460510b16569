"""A job computes where its scale says, or says at once that it cannot."""

from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from tests.devices import left_behind
from torch import Tensor, nn

from vistok.errors import VistokError
from vistok.grid.recipes import Optimiser
from vistok.training import loop
from vistok.training.batches import Batch
from vistok.training.devices import device_of
from vistok.training.learner import Learner


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


class Seen(Learner):
    """Tells where its parts and its batch are when it is asked for a loss."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.register_buffer("centre", torch.zeros(2))

    def batch(self, step: int, process: int, processes: int) -> Batch:
        return {"inputs": torch.ones(2, 3)}

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        assert left_behind(self, batch["inputs"].device) == []
        raise VistokError(f"computed on {batch['inputs'].device}")


@pytest.mark.parametrize(("gpus", "place"), [(0, "cpu"), (1, "meta")])
def test_a_training_moves_all_to_the_device_that_is_decided(
    gpus: int, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accelerate takes the process's GPU wherever it is not told to take the CPU."""

    class WithGpu(Accelerator):
        def __init__(self, *, cpu: bool) -> None:
            super().__init__(cpu=True)
            self.place = torch.device("cpu" if cpu else "meta")

        @property
        def device(self) -> torch.device:
            return self.place

    monkeypatch.setattr(loop, "Accelerator", WithGpu)
    monkeypatch.setattr(loop, "device_of", lambda gpus: torch.device("cuda" if gpus else "cpu"))
    plan = loop.Plan(1, Optimiser(learning_rate=0.1, warmup_steps=0), save_every=9, gpus=gpus)
    with pytest.raises(VistokError, match=f"computed on {place}"):
        loop.train(Seen(), plan, state=tmp_path, identity="a", name="toy")
