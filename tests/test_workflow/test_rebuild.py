"""A build that is interrupted or killed ends in the bytes of an undisturbed one."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RUN = "clip/tuned/vicuna-7b/seed-0"
STATE = f"state/smoke/mllms/{RUN}/state.safetensors"
BUILT = ("checkpoints", "paper_tables/smoke", "results/smoke")


def remove_run(built: Any, run: str) -> None:
    built.remove(f"checkpoints/smoke/mllms/{run}", f"results/smoke/{run}")
    for path in (built.root / "paper_tables/smoke").glob("table-2*"):
        path.unlink()


def wait(until: Callable[[], bool], job: "subprocess.Popen[str]", log: Path) -> None:
    while not until():
        assert job.poll() is None, f"snakemake ended too early:\n{log.read_text()}"
        time.sleep(0.05)


def saves(state: Path) -> Callable[[], bool]:
    """Returns what tells whether the state was saved twice since now: training is under way."""
    seen = {state.stat().st_mtime_ns} if state.is_file() else set()
    most = len(seen) + 2

    def saved() -> bool:
        if state.is_file():
            seen.add(state.stat().st_mtime_ns)
        return len(seen) >= most

    return saved


def test_a_run_that_was_stopped_goes_on_to_the_same_end(built: Any, tmp_path: Path) -> None:
    before, state = built.digests(*BUILT), built.root / STATE
    assert not any((built.root / "state").rglob("*.safetensors")), "a finished training leaves no state"
    remove_run(built, RUN)
    interrupt(built, state, tmp_path / "interrupted.log")
    kill(built, state, tmp_path / "killed.log")
    output = built.build("paper_tables")
    assert "goes on from step" in output
    assert built.digests(*BUILT) == before
    assert not state.exists()


def interrupt(built: Any, state: Path, log: Path) -> None:
    """Presses Ctrl-C in the middle of training."""
    job = built.start("paper_tables", log=log)
    wait(saves(state), job, log)
    asked = time.monotonic()
    os.killpg(job.pid, signal.SIGINT)
    assert job.wait(timeout=60) == 1
    assert time.monotonic() - asked < 15
    said = log.read_text()
    assert "nothing is half-written" in said and "Traceback" not in said
    assert state.is_file()
    assert_nothing_half_written(built)


def kill(built: Any, state: Path, log: Path) -> None:
    """Kills snakemake and its jobs in the middle of training; before, a second snakemake is sent away."""
    job = built.start("paper_tables", log=log)
    wait(lambda: "rule tune_mllm" in log.read_text(), job, log)
    status, output = built.snakemake("paper_tables")
    assert status == 1 and "another snakemake is running" in output and "Traceback" not in output
    wait(saves(state), job, log)
    os.killpg(job.pid, signal.SIGKILL)
    assert job.wait(timeout=60) == -signal.SIGKILL
    assert "goes on from step" in log.read_text()
    assert not (built.root / f"checkpoints/smoke/mllms/{RUN}").exists()


def assert_nothing_half_written(built: Any) -> None:
    assert not (built.root / f"checkpoints/smoke/mllms/{RUN}").exists()
    hidden = [name for name in built.files() if "/." in name and not name.endswith(".snakemake_timestamp")]
    assert hidden == []
