"""Snakemake starts no timers that multiply with the jobs that end, and stops its jobs when it is told to stop."""

import signal
import subprocess
import sys
import time
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


# As vistok's jobs: the shell ignores the signal, and the job saves and fails.
LONG = """
import shlex, sys
from vistok.workflow.scheduling import adjust

shell.prefix("set -euo pipefail; trap '' TERM; ")
CODE = '''
import pathlib, signal, sys, time
def save(*_):
    pathlib.Path("saved").touch()
    sys.exit(143)
signal.signal(signal.SIGTERM, save)
pathlib.Path("started").touch()
time.sleep(300)
'''

rule all:
    input: "a", "b"

rule one:
    output: "{name,[ab]}"
    params: command=shlex.join([sys.executable, "-c", CODE])
    shell: "{params.command} 2>&1 | {{ tee -i log || cat > /dev/null; }}"

onstart:
    adjust(workflow)
"""


def test_snakemake_alone_told_to_stop_stops_its_jobs_and_starts_no_other(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(LONG)
    command = [sys.executable, "-m", "snakemake", "--cores", "1"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as build:
        deadline = time.monotonic() + 300
        while not (tmp_path / "started").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        build.send_signal(signal.SIGTERM)
        told, _ = build.communicate(timeout=120)
    assert build.returncode == 1, told
    assert (tmp_path / "saved").exists(), told
    assert not (tmp_path / "a").exists() and not (tmp_path / "b").exists()
    assert told.count("rule one:") == 1 + told.count("Error in rule one:"), told
