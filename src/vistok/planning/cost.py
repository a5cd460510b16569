"""The cost of a job as plans count it, and what all estimates share."""

from dataclasses import dataclass
from typing import Final

from vistok.grid.runs import Run
from vistok.grid.study import Study

AROUND_IMAGE: Final = 8  # tokens of `<s><Img> ` and `</Img>`


@dataclass(frozen=True)
class Cost:
    """The cost of one job.

    Attributes:
        flops: floating-point operations.
        written: those of `flops` that generate words one by one: each step reads all weights.
        memory: peak bytes on each GPU (or of the process, without one).
        stored: bytes that stay on disk.
        temporary: further bytes on disk while it runs.
        host: bytes of memory on each node; 0 if they are negligible.
        read: bytes read from shards.
    """

    flops: float
    memory: float
    stored: float
    temporary: float = 0.0
    host: float = 0.0
    read: float = 0.0
    written: float = 0.0


def connector_of(study: Study, run: Run) -> tuple[int, float]:
    """Returns a connector's parameters, and the operations of its forward pass for one image."""
    encoder, size = study.tapped(run), study.recipe(run.recipe).connector
    llm_width = study.shape(run.llm).width
    return (
        size.parameters(encoder.width, llm_width),
        size.operations(encoder.tokens, encoder.width, llm_width),
    )


def bytes_of(study: Study) -> int:
    """Returns the bytes per number of frozen weights."""
    return 2 if study.scale.precision == "bf16" else 4
