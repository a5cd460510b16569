"""Snakemake starts no timers that multiply with the jobs that end."""

import subprocess
import sys
from pathlib import Path

import pytest

SNAKEFILE = """
import threading
from vistok.workflow.scheduling import stop_reevaluating

rule all:
    input: expand("{n}.txt", n=range(8))

rule one:
    output: "{n}.txt"
    shell: "touch {output}"

onstart:
    stop_reevaluating(workflow)

onsuccess:
    print("timers:", sum(isinstance(thread, threading.Timer) for thread in threading.enumerate()))
"""


@pytest.mark.parametrize(("given", "timers"), [((), "0"), (("--max-jobs-per-timespan", "90/1s"), None)])
def test_no_job_that_ends_starts_another_timer(
    tmp_path: Path, given: tuple[str, ...], timers: str | None
) -> None:
    """A limit that is given is kept, and needs them."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", *given],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    said = (done.stdout + done.stderr).partition("timers: ")[2].split()[0]
    assert said == timers if timers else int(said) > 0
