"""Wrappers of Slurm's commands for Snakemake's executor: patient, and recording what is submitted.

The executor (snakemake-executor-plugin-slurm 2.8) loses every job for good, and waits forever, when one round of
queries about them fails: while the controller restarts, or if it asks an accounting that is not there. So these come
first on its PATH: `squeue` and `sacct` then print nothing, so that it waits and asks again, `scontrol` repeats its
last answer, and `sbatch` records the name of the run before it submits.

No import from this package: each query starts a process.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

COMMANDS: Final = ("sbatch", "squeue", "sacct", "scontrol")
RUNS: Final = "runs"
_CONFIG: Final = "config"
_FORMAT: Final = "--format=%i|%T"
_NAME: Final = re.compile(r"[\w.-]+")
# Below the executor's own time limits: 60 s for a query, and 10 s for one about the configuration.
_TIMEOUT: Final = 45
_CONFIG_TIMEOUT: Final = 8


def install(folder: Path) -> None:
    """Puts the commands of a cluster that has them first on this process's PATH, below `folder`."""
    programs = folder.resolve() / "bin"
    shutil.rmtree(programs, ignore_errors=True)
    programs.mkdir(parents=True)
    for name in filter(shutil.which, COMMANDS):
        script = programs / name
        words = shlex.join([sys.executable, "-m", __name__, str(programs), name])
        script.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    os.environ["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"


def noted_runs(folder: Path) -> list[str]:
    """Returns the names under which jobs have been submitted."""
    file = folder / RUNS
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [line for line in dict.fromkeys(lines) if _NAME.fullmatch(line)]


def main(arguments: Sequence[str]) -> int:
    """Runs one command; returns its exit status.

    Args:
        arguments: the folder of these commands, a command's name, and its own arguments.
    """
    programs, name, *options = arguments
    path = [entry for entry in os.environ["PATH"].split(os.pathsep) if entry != programs]
    os.environ["PATH"] = os.pathsep.join(path)
    folder, run = Path(programs).parent, _run(options)
    if name in ("squeue", "sacct") and run:
        return _states(folder, run, [name, *options])
    if name == "scontrol" and options == ["show", "config"]:
        return _config(folder)
    if name == "sbatch" and run:
        _note(folder, run)
    return os.execvp(name, [name, *options])


def _run(options: Sequence[str]) -> str | None:
    """Returns the name of a run that a command is about: the value of `--name` or `--job-name`."""
    for word, following in zip(options, [*options[1:], ""], strict=True):
        option, _, value = word.partition("=")
        if option in ("--name", "--job-name"):
            run = value or following
            return run if _NAME.fullmatch(run) else None
    return None


def _note(folder: Path, run: str) -> None:
    if run not in noted_runs(folder):
        with (folder / RUNS).open("a", encoding="utf-8") as stream:
            stream.write(f"{run}\n")


def _states(folder: Path, run: str, command: Sequence[str]) -> int:
    """Prints the state of each job of a run; nothing if Slurm does not answer, which the executor takes as no change.

    A job that was listed before and is no longer has ended: UNKNOWN has the executor look for its outputs.
    """
    squeue = ["squeue", _FORMAT, "--states=all", "--noheader", f"--name={run}"]
    output = _ask(command, _TIMEOUT)
    if output is None and command[0] == "sacct":
        output = _ask(squeue, _TIMEOUT)
    if output is None:
        return 0
    print(output, end="")
    file = folder / f"{run}.json"
    seen: set[str] = set()
    with suppress(OSError, ValueError):
        seen = set(json.loads(file.read_text(encoding="utf-8")))
    listed = {line.partition("|")[0].strip() for line in output.splitlines()} - {""}
    for job in sorted(seen - listed):
        print(f"{job}|UNKNOWN")
    if listed - seen:
        file.write_text(json.dumps(sorted(seen | listed)), encoding="utf-8")
    return 0


def _config(folder: Path) -> int:
    """Prints Slurm's configuration, or the last known one."""
    file = folder / _CONFIG
    output = _ask(["scontrol", "show", "config"], _CONFIG_TIMEOUT)
    if output is None:
        if not file.is_file():
            return 1
        output = file.read_text(encoding="utf-8")
    else:
        file.write_text(output, encoding="utf-8")
    print(output, end="")
    return 0


def _ask(command: Sequence[str], seconds: float) -> str | None:
    """Returns a command's output; None if it fails, or does not answer in time."""
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if answer.returncode:
        print(answer.stderr, end="", file=sys.stderr)
        return None
    return answer.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
