"""A scale: all sizes, and where its files are."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from vistok.grid.connectors import ConnectorKind
from vistok.grid.fields import Id, Objective, RelativePath, TaskKind
from vistok.grid.language_models import SHAPES, LanguageModelKind, Shape
from vistok.grid.marks import LABEL, MACHINE, SCORING
from vistok.grid.recipes import Optimiser
from vistok.grid.tokenizers import Encoder
from vistok.grid.value import Value

ALL_RECIPES: Final = "all"
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
# Trainings, which resume from a saved state and may run in several processes.
RESUMED: Final = frozenset({"pretrain-tokenizer", "train-llm", "tune-mllm"})
# Steps that resume: a second submission needs no more time than the first one.
GOES_ON: Final = RESUMED | {"answer"}


ImageFormat = Literal["coco", "imagenet", "webdataset", "visual-genome", "openimages", "llava"]
# The files that a set of each format names besides its images; a set of COCO's names any of them.
_FILES: Final[dict[ImageFormat, set[str]]] = {
    "coco": {"instances", "captions", "questions", "annotations"},
    "imagenet": set(),
    "webdataset": set(),
    "visual-genome": {"captions"},
    "openimages": {"instances", "categories"},
    "llava": {"questions"},
}
_COCO_IDS: Final[frozenset[ImageFormat]] = frozenset({"coco", "llava"})


class ImageSet(Value):
    """Images of one official format, to be gathered into shards."""

    format: ImageFormat
    images: RelativePath
    instances: RelativePath | None = Field(
        None, description="objects: COCO's JSON, Open Images' CSV of boxes"
    )
    captions: RelativePath | None = Field(None, description="COCO's captions, Visual Genome's regions")
    questions: RelativePath | None = Field(None, description="VQA questions, LLaVA's conversations")
    annotations: RelativePath | None = Field(None, description="the answers to VQA questions")
    categories: RelativePath | None = Field(
        None, description="names of categories, if in a file of their own"
    )
    hierarchy: RelativePath | None = Field(None, description="Open Images' classes and their subclasses")
    image_data: RelativePath | None = Field(
        None, description="Visual Genome's, with the COCO id of its images"
    )
    leave_out: tuple[RelativePath, ...] = Field(
        (),
        description="captions files in COCO's format, whose images are not read: those that are asked about",
    )
    first: int | None = Field(None, gt=0, description="only this many images")
    unusable: Annotated[int, MACHINE] = Field(
        0,
        ge=0,
        description="how many of its images may be absent or broken at most: they are left out and recorded",
    )

    @model_validator(mode="after")
    def _names_what_its_format_reads(self) -> Self:
        named = {name for name in set.union(*_FILES.values()) if getattr(self, name)}
        legal = _FILES[self.format]
        if named - legal or (named != legal and self.format != "coco"):
            raise ValueError(
                f"a set of the format {self.format!r} names {'any of' if self.format == 'coco' else 'exactly'} "
                f"{sorted(legal)} besides `images`, found {sorted(named)}"
            )
        if self.hierarchy and self.format != "openimages":
            raise ValueError(
                f"`hierarchy` is a file of Open Images; found in a set of the format {self.format!r}"
            )
        if self.image_data and self.format != "visual-genome":
            raise ValueError(
                f"`image_data` is a file of Visual Genome; found in a set of the format {self.format!r}"
            )
        if self.leave_out and self.format not in _COCO_IDS and not self.image_data:
            raise ValueError(
                f"`leave_out` names images by COCO's ids, which the format {self.format!r} has not. Legal for: "
                f"{sorted(_COCO_IDS)}, and visual-genome with `image_data`"
            )
        return self

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that it names, without the photographs."""
        named = (
            self.instances,
            self.captions,
            self.questions,
            self.annotations,
            self.categories,
            self.hierarchy,
            self.image_data,
            *self.leave_out,
        )
        return tuple(name for name in named if name)


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


class Pretraining(Value):
    """The size of one supervision's pretraining."""

    steps: int = Field(ge=0, description="0: the encoder as it starts")
    batch: int = Field(gt=0)
    optimiser: Optimiser
    options: dict[str, float] = {}


class TextTraining(Value):
    """The size of one stage of a self-made language model's training on text."""

    corpus: RelativePath
    steps: int = Field(gt=0)
    batch: int = Field(gt=0)
    optimiser: Optimiser


class LanguageModelSize(Value):
    """A self-made language model: Llama-type where it is causal, T5-type where it is an encoder-decoder."""

    width: int = Field(gt=0)
    layers: int = Field(gt=0)
    heads: int = Field(gt=0)
    feedforward: int = Field(gt=0)
    context: int = Field(gt=0)
    pretraining: TextTraining
    instruction_tuning: TextTraining
    short_answer_weight: float = Field(
        1.0, gt=0, description="loss weight of one-word answers in instructions"
    )
    gate: dict[TaskKind, float] = Field({}, description="least text-only accuracy, in per cent")

    def shape(self, kind: LanguageModelKind, vocabulary: int) -> Shape:
        """Returns the size of a model of a kind, as plans ask for it."""
        return SHAPES[kind].own(self.width, self.layers, self.feedforward, self.heads, vocabulary)


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
