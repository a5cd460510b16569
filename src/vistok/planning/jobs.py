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

# Seconds of a job besides what its plan counts: to start in a fork, to load, to score, to draw or to probe. Measured
# at mini on two cores; what ends corrects it.
STARTING: Final = 2.0
_STARTING: Final[dict[str, float]] = {
    "make-world": 40.0,
    "pretrain-tokenizer": 5.0,
    "tune-mllm": 3.0,
    "answer-blind": 1.0,
    "fit-blind": 5.5,
    "tabulate": 0.7,
    "draw-curves": 4.0,
    "draw-attention": 5.0,
    "draw-answers": 4.0,
    "show-study": 30.0,
    "audit": 7.0,
    # ETT's, of which nothing else is counted
    "train-cell-nets": 40.0,
    "train-ibq": 155.0,
    "lengthen-ibq": 60.0,
    "make-prompts": 15.0,
    "teach-drawing": 60.0,
    "reconstruct": 60.0,
    "generate": 110.0,
}


@dataclass(frozen=True)
class Job:
    """One job of a study: its cost, and whether it is done.

    Attributes:
        step: whose job size it uses.
        name: its ids.
        starting: seconds that it takes besides its operations, on a CPU.
        done: whether all of its outputs are there.
    """

    step: StepId
    name: str
    cost: Cost
    starting: float
    done: bool


def starting(step: str) -> float:
    """Returns the seconds that a step's job takes besides its operations."""
    return _STARTING.get(step, STARTING)


def jobs_of(study: Study, runs: Sequence[Subject]) -> tuple[Job, ...]:
    """Returns every job that some runs of a study need, from its data to its tables."""
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
