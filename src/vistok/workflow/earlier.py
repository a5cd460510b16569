"""Keeps a start of the workflow from running concurrently with an earlier one, or with cluster jobs that it left."""

import atexit
import errno
import fcntl
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from vistok.errors import VistokError
from vistok.workflow.clients import RUNS, install, noted_runs

SLURM: Final = Path(".snakemake/slurm")
_TIMEOUT: Final = 30  # seconds
_NO_LOCKS: Final = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


def hold(scale: str) -> IO[str]:
    """Returns the open lock of a scale; it is held for as long as this process lives.

    The kernel holds it: unlike Snakemake's own, none outlives a kill.

    Raises:
        VistokError: another process holds it, or the file system keeps no locks.
    """
    lock = Path(f".snakemake/{scale}.lock").open("w")  # noqa: SIM115
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise VistokError(
            "another snakemake is running on this scale: wait until it ends, or stop it."
        ) from error
    except OSError as error:
        lock.close()
        if error.errno not in _NO_LOCKS:
            raise
        raise VistokError(
            f"the file system of {Path(lock.name).absolute()} keeps no locks ({error.strerror}), and without one two "
            "starts would write the same files. Have it mounted with locks (Lustre: -o flock; NFS: with its lock "
            "service), or link .snakemake to a folder on one that has them."
        ) from error
    return lock


def submit_patiently() -> None:
    """Makes this process's executor query Slurm patiently, and record the jobs that it submits.

    The record is removed when the process ends normally and no job is left.
    """
    install(SLURM)
    atexit.register(_settle)


def _settle() -> None:
    with suppress(VistokError):
        left_behind()


def check_no_jobs() -> None:
    """Refuses to start beside jobs of an earlier start.

    Raises:
        VistokError: there are such jobs, or Slurm does not say.
    """
    if jobs := left_behind():
        raise VistokError(
            f"{len(jobs)} job(s) of an earlier start are still queued or running here: {' '.join(jobs)}. "
            "They would write the same files. Wait until they end (squeue), or cancel them: "
            f"scancel {' '.join(jobs)}. Then start the same command again."
        )


def left_behind() -> list[str]:
    """Returns the ids of cluster jobs that an earlier snakemake, since killed, submitted from this checkout.

    Slurm is asked for the user's own jobs, under the names that were noted when they were submitted, and for their
    numbers alone: no text written by users is read.
    """
    runs = noted_runs(SLURM)
    if not runs:
        return []
    command = ["squeue", "--me", "--noheader", "--format=%A", f"--name={','.join(runs)}"]
    jobs = [line for line in _ask(command).split() if line.isascii() and line.isdecimal()]
    if not jobs:
        (SLURM / RUNS).unlink()
    return jobs


def _ask(command: list[str]) -> str:
    advice = f"Start where Slurm answers; or, if no job of this checkout is left, remove {SLURM / RUNS}."
    if not shutil.which(command[0]):
        raise VistokError(
            f"jobs were submitted from this checkout, and this machine has no {command[0]} to tell whether they "
            f"still run. {advice}"
        )
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise VistokError(
            f"cannot ask whether earlier jobs still run: {command[0]} does not answer within {_TIMEOUT} s. {advice}"
        ) from error
    if answer.returncode:
        reason = " ".join(answer.stderr.split())[:200]
        raise VistokError(f"cannot ask whether earlier jobs still run: {reason}. {advice}")
    return answer.stdout
