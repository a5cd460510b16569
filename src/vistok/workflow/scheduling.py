"""Snakemake's scheduler, spared what makes it slower with every job that ends."""

from typing import Any, Final

_DEFAULT: Final = (100, 1)  # jobs per seconds


def stop_reevaluating(workflow: Any) -> None:
    """Switches off Snakemake's default limit on the jobs that it starts a second.

    Each look at the open jobs starts a timer that causes another look one second later, for as long as the build lasts,
    and each job that ends starts one more such chain: after 100 jobs of mini the timers took 15 % of a core
    (snakemake/snakemake#3744 and #3804 describe both). A limit that the user gives stays.

    Args:
        workflow: Snakemake's, about to start its jobs (`onstart`).
    """
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if limit is not None and (limit.max_jobs, limit.timespan) == _DEFAULT:
        workflow.scheduler.job_rate_limiter = None
