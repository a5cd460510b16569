"""No start runs beside another, or beside the cluster jobs of one that was killed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vistok.errors import VistokError
from vistok.workflow import earlier


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".snakemake").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def squeue(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Puts a `squeue` first on PATH."""
    program = folder / "bin/squeue"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_a_second_start_is_refused_until_the_first_has_ended() -> None:
    held = earlier.hold("mini")
    other = "from vistok.workflow.earlier import hold; hold('mini')"
    ended = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=False)
    assert "another snakemake is at work on this scale" in ended.stderr
    held.close()
    subprocess.run([sys.executable, "-c", other], check=True)


def test_jobs_of_this_folder_stop_a_start(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = f"7|rule_answer|{checkout}\\n8|rule_answer|/elsewhere\\n9|mine|{checkout}\\n"
    squeue(checkout, monkeypatch, f"printf '{lines}'")
    assert earlier.left_behind(local=True) == ["7"]
    with pytest.raises(VistokError, match="still queued or running here: 7") as error:
        earlier.check_no_jobs(local=True)
    assert "scancel 7." in str(error.value)


def test_only_a_start_on_the_cluster_needs_an_answer(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    squeue(checkout, monkeypatch, "echo no controller >&2; exit 1")
    earlier.check_no_jobs(local=True)
    with pytest.raises(VistokError, match="cannot ask whether earlier jobs still run: no controller"):
        earlier.check_no_jobs(local=False)
