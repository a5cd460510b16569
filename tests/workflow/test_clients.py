"""The executor's questions are answered while Slurm is away, and what it submits is noted."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from vistok.workflow import clients

Put = Callable[[str, str], None]
QUESTION = ("squeue", "--format=%i|%T", "--states=all", "--noheader", "--name", "run-1")


@pytest.fixture
def folder(tmp_path: Path, programs: Put, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the patient commands, which are first on PATH."""
    for name in clients.COMMANDS:
        programs(name, "exit 1")
    monkeypatch.setenv("PATH", os.environ["PATH"])  # put back at the end
    clients.install(tmp_path / "slurm")
    return tmp_path / "slurm"


def ask(*command: str) -> tuple[int, str]:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout


def test_a_run_is_noted_once_before_it_is_submitted(folder: Path, programs: Put) -> None:
    programs("sbatch", f"cat {folder}/runs; echo 12; exit 3")
    for _ in range(2):
        assert ask("sbatch", "--parsable", "--job-name", "run-1", "--wrap=true") == (3, "run-1\n12\n")
    ask("sbatch", "--job-name=run-2")
    ask("sbatch", "--job-name", "no name")
    assert clients.noted_runs(folder) == ["run-1", "run-2"]


def test_while_slurm_is_away_no_job_has_another_state(folder: Path, programs: Put) -> None:
    assert ask(*QUESTION) == (0, "")
    programs("squeue", "echo '7|RUNNING'; echo '8|PENDING'")
    assert ask(*QUESTION) == (0, "7|RUNNING\n8|PENDING\n")
    programs("squeue", "echo unable to contact >&2; exit 1")
    assert ask(*QUESTION) == (0, "")


def test_a_job_that_was_forgotten_has_ended(folder: Path, programs: Put) -> None:
    programs("squeue", "echo '7|RUNNING'; echo '8|PENDING'")
    ask(*QUESTION)
    programs("squeue", "echo '8|COMPLETED'")
    assert ask(*QUESTION) == (0, "8|COMPLETED\n7|UNKNOWN\n")
    assert ask(*QUESTION[:-1], "another-run") == (0, "8|COMPLETED\n")


def test_where_there_is_no_accounting_the_queue_answers(folder: Path, programs: Put) -> None:
    programs("sacct", "echo accounting storage is disabled >&2; exit 1")
    programs("squeue", 'test "$4" = --name=run-1 && echo "7|COMPLETED"')
    assert ask("sacct", "-X", "--name", "run-1") == (0, "7|COMPLETED\n")
    programs("sacct", "echo '7|FAILED'")
    assert ask("sacct", "-X", "--name", "run-1") == (0, "7|FAILED\n")


def test_the_configuration_is_what_it_was_last(folder: Path, programs: Put) -> None:
    assert ask("scontrol", "show", "config") == (1, "")
    programs("scontrol", "echo 'MinJobAge = 300 sec'")
    for script in ("echo 'MinJobAge = 300 sec'", "exit 1"):
        programs("scontrol", script)
        assert ask("scontrol", "show", "config") == (0, "MinJobAge = 300 sec\n")


@pytest.mark.parametrize("command", [("squeue", "--me"), ("scontrol", "show", "job", "7"), ("sbatch", "x")])
def test_every_other_use_is_slurms_own(folder: Path, programs: Put, command: tuple[str, ...]) -> None:
    programs(command[0], 'echo "own $@"; exit 4')
    assert ask(*command) == (4, f"own {' '.join(command[1:])}\n")


def test_commands_that_a_machine_has_not_are_not_made_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    clients.install(tmp_path / "slurm")
    assert list((tmp_path / "slurm/bin").iterdir()) == []
