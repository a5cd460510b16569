"""What a machine does to a training in a process of its own, and to its data-loader workers."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.training.toy import Toy


@pytest.fixture
def start() -> Iterator[Callable[..., Toy]]:
    """Starts trainings that must not outlive a test, whatever becomes of it."""
    started: list[Toy] = []

    def start(folder: Path, workers: int, *words: str) -> Toy:
        started.append(toy := Toy(folder, workers, *words))
        return toy

    yield start
    for toy in started:
        toy.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("undisturbed")
    toy = Toy(folder, 0)
    assert toy.end()[0] == 0
    toy.close()
    return (folder / "made.safetensors").read_bytes()


def children(toy: Toy) -> list[int]:
    listed = Path(f"/proc/{toy.pid}/task/{toy.pid}/children").read_text()
    return [int(pid) for pid in listed.split()]


@pytest.mark.parametrize(
    ("number", "workers"), [(signal.SIGTERM, 0), (signal.SIGTERM, 2), (signal.SIGHUP, 2)]
)
def test_all_processes_of_a_job_are_asked_and_it_saves(
    tmp_path: Path,
    undisturbed: bytes,
    start: Callable[..., Toy],
    number: signal.Signals,
    workers: int,
) -> None:
    toy = start(tmp_path, workers)
    toy.under_way()
    os.killpg(toy.pid, number)
    status, log = toy.end()
    assert status == 1
    assert "toy: stopped at step" in log and "the next start goes on from there" in log, log
    assert (tmp_path / "state/state.safetensors").is_file()
    assert start(tmp_path, workers).wait() == 0
    assert (tmp_path / "made.safetensors").read_bytes() == undisturbed


def test_what_nohup_ignores_is_ignored(tmp_path: Path, start: Callable[..., Toy]) -> None:
    toy = start(tmp_path, 1, "nohup")
    toy.under_way()
    os.killpg(toy.pid, signal.SIGHUP)
    assert toy.wait() == 0


def test_a_killed_worker_is_one_sentence(tmp_path: Path, start: Callable[..., Toy]) -> None:
    toy = start(tmp_path, 2)
    toy.under_way()
    os.kill(children(toy)[0], signal.SIGKILL)
    status, log = toy.end()
    assert status == 1
    assert log.count("\n") == 1
    assert "vistok: toy: a process that prepares batches was killed" in log
    assert "raise `memory_mb`" in log


def test_workers_do_not_outlive_an_error(tmp_path: Path, start: Callable[..., Toy]) -> None:
    toy = start(tmp_path, 2, "fail")
    toy.under_way()
    workers = children(toy)
    status, log = toy.end()
    assert status == 1 and "a photograph is gone" in log
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def test_a_lost_log_does_not_end_a_training(
    tmp_path: Path, undisturbed: bytes, start: Callable[..., Toy]
) -> None:
    toy = start(tmp_path, 0)
    toy.err.close()
    assert toy.wait() == 0
    assert (tmp_path / "made.safetensors").read_bytes() == undisturbed
