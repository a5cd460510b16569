"""Processes are started by Slurm in a job of its own, and only there."""

from pathlib import Path

import pytest

from vistok.cli import main
from vistok.commands.launch import launcher
from vistok.errors import VistokError


@pytest.fixture
def slurm(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine on which Slurm's commands are installed."""
    (tmp_path / "srun").write_text("#!/bin/sh\n")
    (tmp_path / "srun").chmod(0o755)
    return {"PATH": str(tmp_path)}


def test_slurm_starts_them_in_its_own_job(slurm: dict[str, str]) -> None:
    words = launcher(4, 2, 8, slurm | {"SLURM_JOB_ID": "7"})
    assert words == ["srun", "--kill-on-bad-exit", "--ntasks=4", "--nodes=2", "--cpus-per-task=8"]


def test_outside_a_job_slurm_is_not_asked(slurm: dict[str, str]) -> None:
    assert launcher(2, 1, 8, slurm)[0] == "torchrun"
    assert launcher(2, 1, 8, {"PATH": "/nowhere", "SLURM_JOB_ID": "7"})[0] == "torchrun"
    with pytest.raises(VistokError, match="2 nodes are started by Slurm, and this is not a job of it"):
        launcher(4, 2, 8, slurm)


def test_the_options_of_what_is_launched_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is nearly an option of `launch` is none of its typos."""
    started: list[list[str]] = []
    monkeypatch.setattr("os.execvp", lambda file, words: started.append(list(words)))
    main(
        [
            "launch",
            "--processes",
            "2",
            "vistok",
            "tune-mllm",
            "a",
            "--node",
            "3",
            "--cpu",
            "1",
            "--proceses",
            "2",
        ]
    )
    assert started[0][-8:] == ["tune-mllm", "a", "--node", "3", "--cpu", "1", "--proceses", "2"]


def test_a_command_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["launch", "--processes", "2"]) == 1
    assert "no command to launch" in capsys.readouterr().err


def test_the_processes_of_one_machine_are_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the real torchrun: each process writes its number."""
    import subprocess
    import sys

    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    write = f"import os, pathlib; pathlib.Path({str(tmp_path)!r}, os.environ['LOCAL_RANK']).touch()"
    bin_folder = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{bin_folder}:/usr/bin:/bin")
    subprocess.run(
        [bin_folder / "vistok", "launch", "--processes", "2", sys.executable, "-c", write],
        check=True,
        capture_output=True,
    )
    assert {path.name for path in tmp_path.iterdir()} == {"0", "1"}
