"""What jobs ask for grows from attempt to attempt, but for the time of what goes on from a saved state."""

from typing import Any

import pytest

from vistok.grid.job_sizes import JobSize
from vistok.grid.study import Study
from vistok.workflow.files import Files
from vistok.workflow.sizes import MOST_GROWTH, size_of


def with_size(study: Study, step: str, **size: Any) -> Study:
    """Returns a study whose jobs of a step ask for something else."""
    scale = study.scale.model_copy(update={"resources": {step: JobSize(**size)}})
    return Study(study.tokenizers, study.llms, study.recipes, study.tasks, study.tables, scale)


@pytest.mark.parametrize(("attempt", "times"), [(1, 1), (2, 2), (3, 3), (9, MOST_GROWTH)])
def test_memory_grows_for_three_attempts(mini: Files, attempt: int, times: int) -> None:
    size = size_of(with_size(mini.study, "score-run", memory_mb=100, minutes=10, cpus=2), "score-run")
    assert (size["mem_mb"](None, attempt), size["runtime"](None, attempt)) == (100 * times, 10 * times)
    assert size["cpus_per_task"] == 2 and "gpu" not in size and "launch" not in size


def test_a_training_asks_for_the_same_time_again(mini: Files) -> None:
    assert size_of(with_size(mini.study, "tune-mllm", minutes=10), "tune-mllm")["runtime"] == 10


def test_a_training_on_two_gpus_starts_two_processes(mini: Files) -> None:
    size = size_of(with_size(mini.study, "tune-mllm", gpus=2, nodes=2, cpus=3), "tune-mllm")
    assert (size["gpu"], size["tasks"], size["nodes"], size["mpi"]) == (2, 2, 2, "srun")
    assert size["launch"] == "vistok launch --processes 2 --nodes 2 --cpus 3"
