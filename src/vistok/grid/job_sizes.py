"""What one job of each step asks for: GPUs, processors, memory and time."""

from typing import Final, Literal

from pydantic import Field

from vistok.grid.value import Value

ALL_STEPS: Final = "all"
StepId = Literal[
    "all",
    "fetch",
    "make-world",
    "write-shards",
    "pretrain-tokenizer",
    "train-llm",
    "tune-mllm",
    "answer",
    "score-run",
    "fit-blind",
    "tabulate",
    "draw-curves",
    "weigh-claims",
    "draw-attention",
    "show-study",
    "audit",
]
# Trainings and answers, which resume from a saved state and may run in several processes.
RESUMED: Final = frozenset({"pretrain-tokenizer", "train-llm", "tune-mllm", "answer"})


class JobSize(Value):
    """What one job of a step asks for; memory and time are those of the first attempt."""

    gpus: int = Field(0, ge=0, description="on all nodes together; a training starts one process on each")
    nodes: int = Field(1, gt=0)
    cpus: int = Field(1, gt=0, description="of each process")
    positions: int | None = Field(
        None,
        gt=0,
        description="of images and padded text, taken at a time of a share of a batch; all of it if not given",
    )
    memory_mb: int = Field(4000, gt=0, description="on each node")
    minutes: int = Field(60, gt=0, description="the longest that it may take")
