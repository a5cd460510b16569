"""A training in a process of its own, with data-loader workers, and what a machine does to such processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

TOY = """
import os, sys, time
from pathlib import Path
import torch
from safetensors.torch import save_file
from torch import nn
from vistok.errors import VistokError
from vistok.grid.values import Optimiser
from vistok.training.learner import Learner
from vistok.training.loop import Plan, train

class Toy(Learner):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.3), nn.Linear(6, 1))

    def batch(self, step, process, processes):
        time.sleep(0.01)
        if step == 150 and "fail" in sys.argv:
            raise OSError("a photograph is gone")
        return {"inputs": torch.randn(4, 6, generator=torch.Generator().manual_seed(step)), "step": torch.tensor(step)}

    def forward(self, batch):
        if int(batch["step"]) == 3:
            print("under way", flush=True)
        return self.layers(batch["inputs"]).square().sum(), torch.tensor(4.0)

out = Path(sys.argv[1])
torch.set_num_threads(1)
plan = Plan(200, Optimiser(learning_rate=0.01, warmup_steps=2), save_every=10**6, workers=int(sys.argv[2]))
torch.manual_seed(7)
try:
    train(learner := Toy(), plan, state=out / "state", identity="a", name="toy")
except VistokError as error:
    sys.exit(f"vistok: {error}")
save_file(learner.state_dict(), out / "made.safetensors")
"""


def toy(folder: Path, workers: int, *words: str) -> subprocess.Popen[str]:
    """Starts the training in a process group of its own."""
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-c", TOY, str(folder), str(workers), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def under_way(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "under way\n"


def children(process: subprocess.Popen[str]) -> list[int]:
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(pid) for pid in listed.split()]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("undisturbed")
    process = toy(folder, 0)
    process.communicate()
    assert process.returncode == 0
    return (folder / "made.safetensors").read_bytes()


@pytest.fixture
def ended() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that must not outlive a test, whatever becomes of it."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize(
    ("number", "workers"), [(signal.SIGTERM, 0), (signal.SIGTERM, 2), (signal.SIGHUP, 2)]
)
def test_all_processes_of_a_job_are_asked_and_it_saves(
    tmp_path: Path,
    undisturbed: bytes,
    ended: list[subprocess.Popen[str]],
    number: signal.Signals,
    workers: int,
) -> None:
    ended.append(process := toy(tmp_path, workers))
    under_way(process)
    time.sleep(0.05 * workers)
    os.killpg(process.pid, number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert "toy: stopped at step" in said and "the next start goes on from there" in said, said
    assert (tmp_path / "state/state.safetensors").is_file()
    ended.append(again := toy(tmp_path, workers))
    assert again.wait(60) == 0
    assert (tmp_path / "made.safetensors").read_bytes() == undisturbed


def test_what_nohup_ignores_is_ignored(tmp_path: Path, ended: list[subprocess.Popen[str]]) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        ended.append(process := toy(tmp_path, 1))
    finally:
        signal.signal(signal.SIGHUP, before)
    under_way(process)
    os.killpg(process.pid, signal.SIGHUP)
    assert process.wait(60) == 0


def test_a_killed_worker_is_one_sentence(tmp_path: Path, ended: list[subprocess.Popen[str]]) -> None:
    ended.append(process := toy(tmp_path, 2))
    under_way(process)
    os.kill(children(process)[0], signal.SIGKILL)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert said.count("\n") == 1
    assert "vistok: toy: a process that prepares batches was killed" in said
    assert "raise `memory_mb`" in said


def test_workers_do_not_outlive_an_error(tmp_path: Path, ended: list[subprocess.Popen[str]]) -> None:
    ended.append(process := toy(tmp_path, 2, "fail"))
    under_way(process)
    workers = children(process)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 1 and "a photograph is gone" in said
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def test_a_lost_log_does_not_end_a_training(
    tmp_path: Path, undisturbed: bytes, ended: list[subprocess.Popen[str]]
) -> None:
    ended.append(process := toy(tmp_path, 0))
    assert process.stderr is not None
    process.stderr.close()
    process.wait(60)
    assert (tmp_path / "made.safetensors").read_bytes() == undisturbed
