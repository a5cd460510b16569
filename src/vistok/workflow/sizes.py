"""The resources of a job: memory, time, processors, GPUs, and the command that starts its processes."""

from collections.abc import Callable
from typing import Any

from vistok.grid.job_sizes import RESUMED, JobSize, StepId
from vistok.grid.study import Study
from vistok.planning.limits import MOST_GROWTH


def size_of(study: Study, step: StepId) -> dict[str, Any]:
    """Returns the resources of a step's jobs: more memory and mostly more time at each attempt.

    Attempts grow up to the third. Trainings and answers go on from what they saved, and a cluster refuses a job that
    asks for more time than it allows.
    """
    job = study.scale.job(step)
    return {
        "mem_mb": _growing(job.memory_mb),
        "runtime": job.minutes if step in RESUMED else _growing(job.minutes),
        "cpus_per_task": job.cpus,
        **({"gpu": job.gpus} if job.gpus else {}),
        **({"launch": "env"} if step in RESUMED else {}),
        **(_several_processes(job) if job.gpus > 1 else {}),
    }


def _growing(amount: int) -> Callable[[Any, int], int]:
    def grown(wildcards: Any, attempt: int) -> int:  # Snakemake looks at the names
        return min(attempt, MOST_GROWTH) * amount

    return grown


def _several_processes(job: JobSize) -> dict[str, Any]:
    """Returns what a job of one process per GPU asks for, and the command that starts them."""
    return {
        "nodes": job.nodes,
        "tasks": job.gpus,
        "tasks_per_gpu": 0,  # else the executor asks for `tasks` on each GPU
        "mpi": "srun",  # else the executor starts the shell itself in a step of one process
        "launch": f"vistok launch --processes {job.gpus} --nodes {job.nodes} --cpus {job.cpus}",
    }
