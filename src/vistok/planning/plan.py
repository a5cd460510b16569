"""The cost of a study before it runs: jobs, GPU-hours, disk, memory, and what already exists.

GPU-hours = operations / (peak of one GPU x utilisation); `planning/costs.py` counts the operations.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from vistok.grid.downloads import downloads_for, load_downloads
from vistok.grid.ett_files import ett_runs
from vistok.grid.ett_scale import read_scale
from vistok.grid.job_sizes import StepId
from vistok.grid.runs import Subject
from vistok.grid.study import Study
from vistok.planning.cost import Cost
from vistok.planning.ett import files_read
from vistok.planning.fetch import is_fetched
from vistok.planning.jobs import Job, jobs_of
from vistok.planning.units import readable_bytes

# One A100: 312 TFLOP/s in bf16 without sparsity. Training a 7-B model reached 48 % of an H200's 989, images in memory
# (benchmarks/results/gpu-2026-11-27.json); prompts are taken to be read as fast. Writing word by word reads all weights
# for every word: chosen, a twentieth.
TFLOPS: Final = 312.0
UTILISATION: Final = 0.45
ANSWERING: Final = 0.05
# One core on the mini scale's models, over a whole build (benchmarks/results/planned-2026-11-27.json).
CPU_GFLOPS: Final = 45.0
_WORTH_TELLING: Final = 1e12  # bytes read
ETT: Final = "ett_tables"  # the rows of the second system, by their target in the workflow


@dataclass(frozen=True)
class Rates:
    """How fast the machine is, in operations a second."""

    tflops: float = TFLOPS
    utilisation: float = UTILISATION
    answering: float = ANSWERING
    cpu_gflops: float = CPU_GFLOPS

    def hours(self, job: Job, gpus: int) -> float:
        """Returns the GPU-hours of a job, or its CPU-hours where it asks for no GPU; 0 if it computes nothing."""
        starting = 0 if gpus or not job.cost.flops else job.starting
        return (starting + self.seconds(job.cost, gpus)) / 3600

    def seconds(self, cost: Cost, gpus: int) -> float:
        """Returns the seconds that a job's operations take one GPU, or one core where it asks for none."""
        if not gpus:
            return cost.flops / (self.cpu_gflops * 1e9)
        read = cost.flops - cost.written
        return (read / self.utilisation + cost.written / self.answering) / (self.tflops * 1e12)


@dataclass(frozen=True)
class Plan:
    """The jobs that a choice of runs needs, and the files that must be fetched for them."""

    study: Study
    jobs: tuple[Job, ...]
    to_fetch: tuple[str, ...] = ()
    bytes_to_fetch: float = 0.0
    unstated: tuple[str, ...] = ()
    rates: Rates = field(default_factory=Rates)

    def of(self, step: StepId) -> list[Job]:
        return [job for job in self.jobs if job.step == step]

    def gpus(self, step: StepId) -> int:
        return self.study.scale.job(step).gpus

    def hours(self, *, gpu: bool) -> float:
        """Returns the GPU-hours (or CPU-hours) of what is not there yet."""
        left = [job for job in self.jobs if not job.done and bool(self.gpus(job.step)) == gpu]
        return sum(self.rates.hours(job, self.gpus(job.step)) for job in left)

    def longest(self, step: StepId) -> float:
        """Returns the hours that the longest job of a step takes on all its GPUs, among those that are left."""
        gpus = self.gpus(step)
        left = (job for job in self.of(step) if not job.done)
        return max((self.rates.hours(job, gpus) / max(gpus, 1) for job in left), default=0.0)

    @property
    def memory(self) -> float:
        """The greatest memory of a GPU that a job needs, in bytes; 0 where no job asks for one."""
        return max(
            (job.cost.memory for job in self.jobs if self.gpus(job.step) and not job.done), default=0.0
        )

    @property
    def disk(self) -> float:
        """The bytes that the disk must have free: what stays, what is fetched, and the largest saved training."""
        left = [job.cost for job in self.jobs if not job.done]
        return sum(cost.stored for cost in left) + self.bytes_to_fetch + sum(cost.temporary for cost in left)


def chosen(study: Study, targets: Sequence[str]) -> tuple[Subject, ...]:
    """Returns what answers for targets: tables, runs, released models, or (none named) all that tables name.

    Raises:
        VistokError: a target is none of these, nor `ett_tables` where the scale has models of ETT.
    """
    if not targets:
        return study.subjects()
    return tuple(dict.fromkeys(subject for target in targets for subject in _named(study, target)))


def _named(study: Study, target: str) -> Sequence[Subject]:
    if target == ETT:
        read_scale(study)  # refuses a scale without models of it
        return ett_runs(study)
    return [study.subject(target)] if "/" in target else study.subjects(target)


def make_plan(study: Study, runs: Iterable[Subject], rates: Rates | None = None) -> Plan:
    """Returns the jobs that runs need at a study's scale, and which of their results are there."""
    runs, downloads = tuple(runs), load_downloads()
    root = Path(study.scale.data_root)
    jobs = jobs_of(study, runs)
    if study.scale.world:
        return Plan(study, jobs, rates=rates or Rates())
    archives = {
        entry.id: entry for name in files_read(study, runs) for entry in downloads_for(name, downloads)
    }
    missing = [entry for entry in archives.values() if not is_fetched(entry, root)]
    size = sum(entry.bytes or 0 for entry in missing)
    unstated = tuple(entry.id for entry in missing if entry.bytes is None)
    return Plan(study, jobs, tuple(entry.id for entry in missing), size, unstated, rates or Rates())


def lines(plan: Plan) -> list[str]:
    """Returns the plan as a text table with its assumptions."""
    scale = plan.study.scale
    text = [f"{'step':20}{'jobs':>6}{'there':>7}{'hours to do':>13}{'GPUs':>6}{'memory':>12}{'disk':>12}"]
    for step in dict.fromkeys(job.step for job in plan.jobs):
        text.append(_row(plan, step))
    jobs_left = sum(not job.done for job in plan.jobs)
    text += [
        "",
        f"to do: {jobs_left} of {len(plan.jobs)} jobs; {plan.hours(gpu=True):,.1f} GPU-hours, "
        f"{plan.hours(gpu=False):,.1f} CPU-hours; {readable_bytes(plan.disk)} of disk; "
        f"at most {readable_bytes(plan.memory)} on a GPU.",
    ]
    if plan.to_fetch:
        text.append(
            f"to fetch ({readable_bytes(plan.bytes_to_fetch)} as far as stated): {', '.join(plan.to_fetch)}"
        )
    if plan.unstated:
        text.append(f"not counted on disk: {', '.join(plan.unstated)}, whose sizes no source states")
    if (read := sum(job.cost.read for job in plan.jobs if not job.done)) >= _WORTH_TELLING:
        text.append(f"read while training: {readable_bytes(read)} of shards, half a megabyte an image")
    rates = plan.rates
    return [
        *text,
        "",
        "GPU-hours = operations / (peak x utilisation). Operations: 2 a parameter and token forward, the same for "
        "gradients that pass through, and again for weights that are trained.",
        f"Assumed: {rates.tflops:g} TFLOP/s a GPU at {rates.utilisation:.0%} in training and reading prompts, and at "
        f"{rates.answering:.0%} in writing answers; {rates.cpu_gflops:g} GFLOP/s a core; {scale.precision}; answers as "
        "long as their tasks allow.",
        "`there` means that the files exist; whether they are up to date, `snakemake -n` says.",
    ]


def _row(plan: Plan, step: StepId) -> str:
    jobs, gpus = plan.of(step), plan.gpus(step)
    left = [job for job in jobs if not job.done]
    hours = sum(plan.rates.hours(job, gpus) for job in left)
    memory, disk = (
        max(job.cost.memory for job in jobs),
        sum(job.cost.stored + job.cost.temporary for job in left),
    )
    time, processors = f"{hours:,.1f}" if hours else "-", str(gpus or "-")
    sizes = (readable_bytes(memory) if memory else "-", readable_bytes(disk) if disk else "-")
    return f"{step:20}{len(jobs):>6}{len(jobs) - len(left):>7}{time:>13}{processors:>6}{sizes[0]:>12}{sizes[1]:>12}"
