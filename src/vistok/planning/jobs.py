"""The jobs that some runs of a study need, the cost of each, and whether its outputs exist."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vistok.grid.job_sizes import StepId
from vistok.grid.runs import Subject
from vistok.grid.steps import STEPS
from vistok.grid.study import Study
from vistok.planning.costs import Cost, cost_of


@dataclass(frozen=True)
class Job:
    """One job of a study: what it costs, and whether all that it makes is there.

    Attributes:
        step: whose job size it uses.
        name: the ids that it is of.
    """

    step: StepId
    name: str
    cost: Cost
    there: bool


def jobs_of(study: Study, runs: Sequence[Subject]) -> tuple[Job, ...]:
    """Returns every job behind some runs of a study, from its data to its tables."""
    return tuple(
        Job(
            step.size_id,
            " ".join(ids),
            cost_of(study, step.id, *ids),
            all(Path(path).exists() for path in step.outputs(study, *ids)),
        )
        for step in STEPS.values()
        for ids in step.jobs(study, runs)
    )
