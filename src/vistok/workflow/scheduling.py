"""Snakemake's scheduler, adjusted where it gets slower with every job that ends, and where it is told to stop."""

import os
import signal
import threading
from contextlib import suppress
from typing import Any, Final

_DEFAULT: Final = (100, 1)  # jobs per seconds


def adjust(workflow: Any) -> None:
    """Adjusts the scheduler of Snakemake's workflow, which is about to start its jobs (`onstart`)."""
    stop_reevaluating(workflow)
    stop_with_jobs(workflow)


def stop_reevaluating(workflow: Any) -> None:
    """Switches off Snakemake's default limit on the jobs that it starts a second.

    Each look at the open jobs starts a timer that causes another look one second later, for as long as the build lasts,
    and each job that ends starts one more such chain: after 100 jobs of mini the timers took 15 % of a core
    (snakemake/snakemake#3744 and #3804 describe both). A limit that the user gives stays.
    """
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if limit is not None and (limit.max_jobs, limit.timespan) == _DEFAULT:
        workflow.scheduler.job_rate_limiter = None


def stop_with_jobs(workflow: Any) -> None:
    """Makes SIGTERM to Snakemake alone reach the jobs on this machine: they save what they have, and it ends.

    By itself it starts no more jobs and waits for those that run, perhaps for hours; and it waits forever if the
    signal comes while its main thread holds the lock that its handler takes. The handler here only writes to a pipe.
    """
    reader, writer = os.pipe()

    def stop() -> None:
        while os.read(reader, 1):
            workflow.scheduler.exit_gracefully()
            if workflow.local_exec:
                _end_children()

    threading.Thread(target=stop, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda number, frame: os.write(writer, b"!") and None)


def _end_children() -> None:
    """Sends SIGTERM to the processes below this one; the shells of jobs ignore it, and end behind vistok."""
    import psutil  # Snakemake's

    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            process.terminate()
