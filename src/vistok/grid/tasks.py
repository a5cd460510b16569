"""Tasks: what is asked, how it is answered, and how answers are scored."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from vistok.grid.fields import Id, Label, TaskKind
from vistok.grid.marks import LABEL, MACHINE, NOTE, SCORING
from vistok.grid.value import Value


class Decoding(Value):
    """How an answer is generated (released code: modeling_gvt.py generate)."""

    beams: int = Field(1, ge=1)
    max_new_tokens: int = Field(ge=1)
    repetition_penalty: float = Field(1.0, gt=0)
    length_penalty: float = 1.0


class Task(Value):
    """Dataset, prompt, decoding, scorer and metric of one column."""

    id: Id
    label: Annotated[Label, LABEL]
    kind: TaskKind
    suite: Id = Field(description="the tasks that are asked with it, in one job per run")
    prompt: str = Field(description="after the image; {question} is replaced")
    decoding: Decoding | None = Field(
        None, description="for a kind that writes its answers; one that ranks has none"
    )
    metric: Annotated[str, SCORING]
    protocol: Annotated[str, SCORING] = Field(description="the scorer variant that tables print")
    protocols: Annotated[tuple[str, ...], SCORING] = Field(
        description="every variant that metrics.json carries"
    )
    expected_questions: Annotated[int | None, MACHINE] = Field(
        None, description="of the official file: for plans, and for the doctor to compare"
    )
    source: Annotated[str, NOTE]

    @model_validator(mode="after")
    def _protocol_is_carried(self) -> Self:
        if self.protocol not in self.protocols:
            legal = ", ".join(self.protocols)
            raise ValueError(f"`protocol` is {self.protocol!r}, which is none of `protocols` ({legal})")
        return self
