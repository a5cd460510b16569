"""Whether jobs fit the limits of their scale: hours against the time limit and its retries, and host memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vistok.errors import VistokError
from vistok.grid.job_sizes import RESUMED, StepId
from vistok.grid.read import read_mapping
from vistok.planning.plan import Plan
from vistok.planning.slurm import PROFILE
from vistok.planning.units import readable_bytes

MOST_GROWTH: Final = 3  # factor on a step's time and memory at the third attempt and later


@dataclass(frozen=True)
class Limit:
    """The longest job of a step, and how long Slurm lets it run.

    Attributes:
        hours: that the plan expects.
        minutes: of one submission.
        submissions: how often it may be submitted, the first time included.
    """

    step: StepId
    hours: float
    minutes: int
    submissions: int

    @property
    def allowed(self) -> float:
        """The hours available: of all submissions for a job that resumes, else of the longest one."""
        times = self.submissions if self.step in RESUMED else min(self.submissions, MOST_GROWTH)
        return times * self.minutes / 60

    def __str__(self) -> str:
        how = f"{self.submissions} submissions" if self.step in RESUMED else "its longest submission"
        return f"{self.step} takes {self.hours:,.1f} h, and {how} of {self.minutes} minutes have {self.allowed:,.1f} h"


def limits(plan: Plan, profile: Path) -> list[Limit]:
    """Returns the limit of each step of a plan whose jobs are not negligible, under a profile's retries."""
    submissions = 1 + retries(profile)
    scale = plan.study.scale
    steps = dict.fromkeys(job.step for job in plan.jobs if not job.done)
    candidates = (Limit(step, plan.longest(step), scale.job(step).minutes, submissions) for step in steps)
    return [limit for limit in candidates if limit.hours]


def retries(profile: Path) -> int:
    """Returns how often a profile has a failed job submitted again.

    Raises:
        VistokError: it is wrong.
    """
    value = read_mapping(profile).get("retries") or 0
    if isinstance(value, int) and value >= 0:
        return value
    raise VistokError(f"{profile}: `retries` is a whole number, found {value!r}.")


def check_hours(plan: Plan, profile: Path) -> str:
    """Compares the plan's hours with what a profile's jobs are allowed.

    Raises:
        VistokError: a job takes longer than all its submissions together.
    """
    all_limits = limits(plan, profile)
    if short := [limit for limit in all_limits if limit.hours > limit.allowed]:
        raise VistokError(
            f"{'; '.join(map(str, short))}. Ask for more `gpus` or `minutes` in "
            f"{plan.study.models_study.scale_file}, or raise `retries` in {profile}."
        )
    longest = max(all_limits, key=lambda limit: limit.hours / limit.allowed, default=None)
    return str(longest) if longest else "no job that is left takes long"


def check_host_memory(plan: Plan) -> str:
    """Compares the plan with the memory that a scale asks for on each node.

    Raises:
        VistokError: a job needs more than it asks for at its first attempt.
    """
    scale, needed = plan.study.scale, dict[StepId, float]()
    for job in plan.jobs:
        if not job.done and job.cost.host:
            needed[job.step] = max(job.cost.host, needed.get(job.step, 0.0))
    texts = {
        step: f"{step}: {readable_bytes(host)} of {readable_bytes(scale.job(step).memory_mb * 1e6)}"
        for step, host in needed.items()
    }
    if short := [texts[step] for step in needed if needed[step] > scale.job(step).memory_mb * 1e6]:
        raise VistokError(
            f"{'; '.join(short)} asked for on a node. Raise `memory_mb` in {plan.study.models_study.scale_file}."
        )
    return "; ".join(texts.values()) or "no job that is left needs much"


def lines(plan: Plan, profile: Path = PROFILE) -> Iterator[str]:
    """Yields what a plan says of limits: on a cluster, under the profile that is there."""
    if profile.is_file() and plan.hours(gpu=True):
        yield f"on a cluster ({profile}, {retries(profile)} retries): {_outcome(lambda: check_hours(plan, profile))}"
    if any(job.cost.host for job in plan.jobs if not job.done):
        yield f"memory of a node: {_outcome(lambda: check_host_memory(plan))}"


def _outcome(check: Callable[[], str]) -> str:
    try:
        return check()
    except VistokError as error:
        return f"TOO LITTLE: {error}"
