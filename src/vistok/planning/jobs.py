"""The jobs that some runs of a study need, the cost of each, and whether its outputs exist."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vistok.grid.job_sizes import StepId
from vistok.grid.runs import Subject
from vistok.grid.steps import STEPS
from vistok.grid.study import Study
from vistok.planning.cost import Cost
from vistok.planning.costs import cost_of

# Seconds of a job besides what its plan counts: to start, to import and load, to score, to draw or to probe. Measured
# at mini on two cores; what ends corrects it.
STARTING: Final = 4.0
_STARTING: Final[dict[str, float]] = {
    "make-world": 35.0,
    "pretrain-tokenizer": 10.0,
    "tune-mllm": 8.0,
    "answer": 8.5,
    "answer-blind": 6.5,
    "draw-curves": 12.0,
    "draw-attention": 8.0,
    "draw-answers": 6.0,
    "show-study": 25.0,
    "audit": 7.0,
}


@dataclass(frozen=True)
class Job:
    """One job of a study: what it costs, and whether all that it makes is there.

    Attributes:
        step: whose job size it uses.
        name: the ids that it is of.
        starting: seconds besides what its operations take, on a CPU.
    """

    step: StepId
    name: str
    cost: Cost
    starting: float
    there: bool


def starting(step: str) -> float:
    """Returns the seconds of a step's job besides what its operations take."""
    return _STARTING.get(step, STARTING)


def jobs_of(study: Study, runs: Sequence[Subject]) -> tuple[Job, ...]:
    """Returns every job behind some runs of a study, from its data to its tables."""
    return tuple(
        Job(
            step.size_id,
            " ".join(ids),
            cost_of(study, step.id, *ids),
            starting(step.id),
            all(Path(path).exists() for path in step.outputs(study, *ids)),
        )
        for step in STEPS.values()
        for ids in step.jobs(study, runs)
    )
