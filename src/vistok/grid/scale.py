"""A scale: all sizes, and where its files are."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from vistok.grid.connectors import ConnectorKind
from vistok.grid.fields import Id, Objective, TaskKind
from vistok.grid.image_sets import ImageSet
from vistok.grid.job_sizes import ALL_STEPS, RESUMED, JobSize, StepId
from vistok.grid.language_models import LanguageModelKind
from vistok.grid.marks import LABEL, MACHINE
from vistok.grid.tasks import TaskFiles
from vistok.grid.tokenizers import Encoder
from vistok.grid.training_sizes import LanguageModelSize, Pretraining
from vistok.grid.value import Value

ALL_RECIPES: Final = "all"


class Scale(Value):
    """The size of everything; a scale without `encoders` and `language_model` takes published weights."""

    id: Id
    data_root: Annotated[str, MACHINE] = Field(min_length=1)
    models: Id = Field(description="the scale whose checkpoints answer: its own id, or another's")
    stand_ins: dict[Id, Id] = Field(
        {},
        description="by a tokenizer or a language model that rows of tables name: the one that takes its place here",
    )
    missing_images: Literal["error", "skip"] = "error"
    world: dict[str, int] | None = None
    encoders: dict[Id, Encoder] = Field(
        {}, description="what this scale pretrains, by size: a tokenizer names the size that it has"
    )
    pretraining: dict[Objective, Pretraining] = {}
    pretraining_steps: dict[Id, Annotated[int, Field(gt=0)]] = Field(
        {}, description="the steps of one tokenizer's pretraining, where they are not those of its objective"
    )
    probe_gate: tuple[Id, ...] = Field(
        (),
        description="the tables whose tokenizers must tell more of categories than before their first step",
    )
    language_model: dict[LanguageModelKind, LanguageModelSize] = Field(
        {},
        description="the size of the language models that this scale makes itself, by kind; none: published",
    )
    leaves_out: Annotated[dict[Id, str | None], LABEL] = Field(
        {},
        description="language models whose rows this scale does not make, and why; null: it does, unlike its parent",
    )
    recipes: dict[Id, dict[str, Any]] = Field(
        {},
        description=f"what this scale changes in a recipe; `{ALL_RECIPES}` first, in those without a parent",
    )
    connectors: dict[ConnectorKind, dict[str, Any]] = Field(
        {}, description="what this scale changes in a connector of each kind, where a recipe names one"
    )
    task_kinds: dict[TaskKind, dict[str, Any]] = Field(
        {}, description="what this scale changes in tasks of a kind"
    )
    image_sets: dict[Id, ImageSet] = {}
    mixture: tuple[Id, ...] = Field((), description="image sets that MLLMs are trained on")
    places: dict[Id, Annotated[int, Field(gt=0)]] = Field(
        {}, description="how often an image of a set stands in an epoch of the mixture; once if not named"
    )
    probe_set: Id | None = None
    trains_others: bool = Field(
        False, description="whether it trains the other groups' models: the rows with `own_models`"
    )
    others_have: dict[Id, Id | None] = Field(
        {},
        description="by a tokenizer or a language model of another group's model: what it has here in its place; null: "
        "its own, unlike this scale's parent",
    )
    floors: dict[Id, Id] = Field(
        {},
        description="by the size of an encoder: the tokenizer whose rows tables show as the floor of that size's",
    )
    ceilings: dict[Id, Id] = Field(
        {},
        description="by the size of an encoder: the tokenizer whose rows tables show as the ceiling of that size's",
    )
    tasks: dict[Id, TaskFiles] = {}
    asked: Annotated[dict[Id, Annotated[int, Field(ge=0)]], MACHINE] = Field(
        {},
        description="how many questions a task asks about, where not all of its photographs are laid out: for plans",
    )
    splits: dict[Id, dict[Id, TaskFiles]] = Field({}, description="other splits than the test split")
    answer_batch: int = Field(64, gt=0, description="questions answered at once")
    questions_shown: int = Field(24, gt=0, description="questions a task that the page of a run shows")
    attention_images: int = Field(
        200, gt=0, description="photographs over which Figure 3 takes how unlike attention heads are"
    )
    bootstrap_resamples: int = Field(10_000, gt=0)
    published_tolerance: Annotated[dict[Id, Annotated[float, Field(gt=0)]], LABEL] = Field(
        {},
        description="per task: how many points a cell may be from the paper's; no task: no number is a target",
    )
    precision: Literal["fp32", "bf16"] = Field(
        "fp32",
        description="of products, and of a frozen language model's weights; what is trained stays in single precision",
    )
    exact: Annotated[bool, MACHINE] = Field(
        True,
        description="whether a job gives the same bytes again on the same machine. false: the seeds are kept, but "
        "algorithms need not be deterministic, and trainings on a GPU compile layers (torch.compile)",
    )
    save_every: Annotated[int, MACHINE] = Field(
        200, gt=0, description="steps between two saves of the training state"
    )
    resources: Annotated[dict[StepId, JobSize], MACHINE] = Field(
        {}, description=f"what each step's job asks for, over what `{ALL_STEPS}` of them do"
    )

    @model_validator(mode="after")
    def _only_trainings_are_shared_out(self) -> Self:
        for step, size in self.resources.items():
            if step not in RESUMED and max(size.gpus, size.nodes) > 1:
                raise ValueError(
                    f"resources.{step}: it runs in one process, on at most one GPU of one node; found {size.gpus} "
                    f"GPUs and {size.nodes} nodes. Only {' and '.join(sorted(RESUMED))} can have more."
                )
            if step == "pretrain-tokenizer" and size.positions:
                raise ValueError(
                    f"resources.{step}: a pretraining takes its share of a batch whole: leave `positions` out"
                )
            if size.nodes > max(1, size.gpus):
                raise ValueError(
                    f"resources.{step}: {size.nodes} nodes need as many GPUs, found {size.gpus}."
                )
        return self

    @property
    def in_others(self) -> dict[str, str]:
        """Parts of other groups' models -> what takes their place."""
        return {own: stand_in for own, stand_in in self.others_have.items() if stand_in}

    def job(self, step: StepId) -> JobSize:
        """Returns what one job of a step asks for."""
        own = self.resources.get(step, JobSize()).model_dump(exclude_unset=True)
        return self.resources.get(ALL_STEPS, JobSize()).model_copy(update=own)
