"""Released models: MLLMs that somebody else trained whole."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from vistok.grid.fields import REVISION_OF_WEIGHTS, Commit, Id, Label, ReleasedKind, TaskKind
from vistok.grid.marks import LABEL, MACHINE, NOTE
from vistok.grid.originals import ReleasedParts
from vistok.grid.tasks import Decoding
from vistok.grid.value import Value


class ReleasedDecoding(Decoding):
    """How an answer of a released model is generated, where it is not as its task says."""

    temperature: float | None = Field(
        None, gt=0, description="answers are drawn, by a seed of their own words; none: the likeliest"
    )


class ReleasedModel(Value):
    """A multimodal model that somebody else trained whole, with its own weights, template and prompts."""

    id: Id
    label: Annotated[Label, LABEL]
    kind: ReleasedKind = Field(description="how it is loaded and asked: a file of mllm/released")
    weights: str = Field(min_length=1, description="a transformers name, or a local folder")
    revision: Annotated[Commit | None, NOTE] = Field(None, description=REVISION_OF_WEIGHTS)
    template: str = Field(
        "{prompt}", description="what is said to it, its mark for the image included; {prompt} is replaced"
    )
    ends_at: str | None = Field(
        None,
        min_length=1,
        description="the text at which its own release cuts an answer; none: only its token",
    )
    prompts: dict[TaskKind, str] = Field(
        {}, description="its own prompts by kind of task, {question} in them; the task's own where not given"
    )
    decoding: dict[TaskKind, ReleasedDecoding] = Field(
        {}, description="how it answers, by kind of task; as the task says where not given"
    )
    even: Annotated[Id | None, LABEL] = Field(
        None, description="the entry of the same model that is asked as all are, which this one is set beside"
    )
    visual_tokens: Annotated[int, MACHINE] = Field(
        gt=0, description="that its language model reads of one image"
    )
    encoder_tokens: Annotated[int | None, MACHINE] = Field(
        None,
        gt=0,
        description="that its image encoder gives of one image, for plans; as many as visual_tokens where not given",
    )
    parameters_m: Annotated[float, MACHINE] = Field(gt=0, description="millions, of all its parts")
    made_of: Annotated[ReleasedParts | None, LABEL] = None
    licence: Annotated[Label, NOTE]
    substitute: Annotated[str | None, LABEL] = Field(
        None, description="what stands in for weights that were never released"
    )
    source: Annotated[str, NOTE]

    @model_validator(mode="after")
    def _template_has_a_place(self) -> Self:
        if "{prompt}" not in self.template:
            raise ValueError("`template` has no {prompt}: the model would be asked nothing")
        return self
