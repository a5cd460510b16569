"""Keeps a start of the workflow from running beside an earlier one, or beside the cluster jobs that it left."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from typing import IO, Final

from vistok.errors import VistokError

_TIMEOUT: Final = 120  # seconds


def hold(scale: str) -> IO[str]:
    """Returns the open lock of a scale; it is held for as long as this process lives.

    The kernel holds it: unlike Snakemake's own, none outlives a kill.

    Raises:
        VistokError: another process holds it.
    """
    lock = Path(f".snakemake/{scale}.lock").open("w")  # noqa: SIM115
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise VistokError(
            "another snakemake is at work on this scale: wait until it ends, or stop it."
        ) from error
    return lock


def check_no_jobs(*, local: bool) -> None:
    """Refuses to start beside jobs of an earlier start; `local`: this one asks nothing of a cluster.

    Raises:
        VistokError: there are such jobs, or Slurm does not say.
    """
    if jobs := left_behind(local=local):
        raise VistokError(
            f"{len(jobs)} job(s) of an earlier start are still queued or running here: {' '.join(jobs)}. "
            "They would write the same files. Wait until they end (squeue), or cancel them: "
            f"scancel {' '.join(jobs)}. Then start the same command again."
        )


def left_behind(*, local: bool) -> list[str]:
    """Returns the ids of cluster jobs that an earlier snakemake, since killed, submitted from this folder.

    They live on without it; the executor's comment tells them from the job that a controller itself may run in.
    """
    squeue = shutil.which("squeue")
    if not squeue:
        return []
    answer = subprocess.run(
        [squeue, "--noheader", "--format=%A|%k|%Z"],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    if answer.returncode:
        if local:
            return []
        raise VistokError(f"cannot ask whether earlier jobs still run: {answer.stderr.strip()}")
    jobs = [line.split("|", 2) for line in answer.stdout.splitlines()]
    return [
        job
        for job, comment, folder in jobs
        if comment.startswith("rule_") and os.path.realpath(folder) == os.getcwd()  # noqa: PTH109
    ]
