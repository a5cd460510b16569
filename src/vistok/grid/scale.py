"""A scale: the size of everything, and where its files are."""

from typing import Any, Literal

from pydantic import Field

from vistok.grid.values import Encoder, Id, Objective, Optimiser, RelativePath, TaskKind, Value


class ImageSet(Value):
    """Images of one official format, to be gathered into shards."""

    format: Literal["coco", "imagenet", "webdataset"]
    images: RelativePath
    instances: RelativePath | None = None
    captions: RelativePath | None = None
    questions: RelativePath | None = None
    annotations: RelativePath | None = None
    first: int | None = Field(None, description="only this many images")


class TaskFiles(Value):
    """Where a task's questions, references and photographs are, below the data root.

    `prior` names the training split's file that blind baselines are fitted on; without one they are fitted
    on the other folds of the task's own images.
    """

    images: tuple[RelativePath, ...]
    references: RelativePath
    questions: RelativePath | None = None
    prior: RelativePath | None = None
    prior_questions: RelativePath | None = None


class Pretraining(Value):
    """The size of one supervision's pretraining."""

    steps: int = Field(gt=0)
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
    """A self-made Llama-type language model."""

    width: int
    layers: int
    heads: int
    feedforward: int
    context: int
    pretraining: TextTraining
    instruction_tuning: TextTraining
    gate: dict[TaskKind, float] = Field({}, description="least text-only accuracy, in per cent")


class Scale(Value):
    """The size of everything; a scale without `encoder` and `language_model` takes published weights."""

    id: Id
    data_root: str
    models: Id = Field(description="the scale whose checkpoints answer: its own id, or another's")
    missing_images: Literal["error", "skip"] = "error"
    world: dict[str, int] | None = None
    encoder: Encoder | None = None
    pretraining: dict[Objective, Pretraining] = {}
    probe_gate: dict[Objective, float] = Field({}, description="least linear-probe AUC, in per cent")
    language_model: LanguageModelSize | None = None
    recipes: dict[str, dict[str, Any]] = Field({}, description="what this scale changes in a recipe; `all` first")
    task_kinds: dict[TaskKind, dict[str, Any]] = Field({}, description="what this scale changes in tasks of a kind")
    image_sets: dict[Id, ImageSet] = {}
    mixture: tuple[Id, ...] = Field((), description="image sets that MLLMs are trained on")
    probe_set: Id | None = None
    tasks: dict[Id, TaskFiles] = {}
    splits: dict[str, dict[Id, TaskFiles]] = Field({}, description="other splits than the test split")
    answer_batch: int = 64
    bootstrap_resamples: int = 10_000
    precision: Literal["fp32", "bf16"] = "fp32"
    save_every: int = Field(200, gt=0, description="steps between two saves of the training state")
