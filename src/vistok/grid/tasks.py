"""Tasks: what is asked, how it is answered, how answers are scored, and where the files are."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from vistok.grid.fields import Id, Label, RelativePath, TaskKind
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
    expected_images: Annotated[int | None, MACHINE] = Field(
        None,
        gt=0,
        description="that its questions are about: for plans; as many as questions where not given",
    )
    source: Annotated[str, NOTE]

    @model_validator(mode="after")
    def _protocol_is_carried(self) -> Self:
        if self.protocol not in self.protocols:
            legal = ", ".join(self.protocols)
            raise ValueError(f"`protocol` is {self.protocol!r}, which is none of `protocols` ({legal})")
        return self


class TaskFiles(Value):
    """Where a task's questions, references and photographs are, below the data root.

    `prior` names the training split's file that blind baselines are fitted on; without one they are fitted
    on the other folds of the task's own images.
    """

    images: tuple[RelativePath, ...] = Field(min_length=1)
    references: RelativePath
    questions: RelativePath | None = None
    prior: Annotated[RelativePath | None, SCORING] = None
    prior_questions: Annotated[RelativePath | None, SCORING] = None
    annotations: Annotated[RelativePath | None, SCORING] = Field(
        None,
        description="a COCO instances file, or a folder of VCR metadata: what category-blind viewers see of the images",
    )
    prior_annotations: Annotated[RelativePath | None, SCORING] = Field(
        None, description="the same of the images that `prior` asks about"
    )

    @property
    def named(self) -> tuple[str, ...]:
        """Every file or folder that it names besides the photographs, the references first."""
        files = (
            self.references,
            self.questions,
            self.prior,
            self.prior_questions,
            self.annotations,
            self.prior_annotations,
        )
        return tuple(name for name in files if name)
