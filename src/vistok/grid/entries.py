"""Every entry of the grid by its id, and its values at one scale."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from vistok.errors import unknown
from vistok.grid.image_sets import ImageSet
from vistok.grid.language_models import OWN_VOCABULARY, LanguageModel, Shape
from vistok.grid.recipes import Recipe
from vistok.grid.released_models import ReleasedModel
from vistok.grid.runs import Run
from vistok.grid.scale import Scale
from vistok.grid.tables import Table
from vistok.grid.tasks import Task, TaskFiles
from vistok.grid.tokenizers import Encoder, Tokenizer
from vistok.grid.training_sizes import LanguageModelSize, Pretraining

GRID: Final = Path("workflow/grid")
SCALES: Final = Path("workflow/scales")
TEST: Final = "test"
_TOKENIZERS: Final = GRID / "tokenizers.yaml"
_LLMS: Final = GRID / "llms.yaml"
_RECIPES: Final = GRID / "recipes.yaml"
_TASKS: Final = GRID / "tasks.yaml"
_MODELS: Final = GRID / "models.yaml"
_TABLES: Final = GRID / "tables.yaml"
T = TypeVar("T")


@dataclass(frozen=True)
class SecondSystem:
    """A second system next to the study: its ids are found, but it is in none of the study's tables.

    Attributes:
        tokenizers: each has as `weights` the folder, below the checkpoints of its scale, that a step of its own makes.
        recipes: for MLLMs on these tokenizers.
    """

    tokenizers: Mapping[str, Tokenizer] = field(default_factory=dict)
    recipes: Mapping[str, Recipe] = field(default_factory=dict)


@dataclass(frozen=True)
class Entries:
    """The entries of the grid, at one scale and on one split of its questions.

    Attributes:
        apart: tables that are not the paper's: each is built only on request, and counts nowhere else.
        seeds: how many seeds each row is trained with that does not declare its own.
        other_models_study: the study at the scale whose models answer, if that is another scale.

    The methods that take an id raise a VistokError if it is not declared.
    """

    tokenizers: Mapping[str, Tokenizer]
    llms: Mapping[str, LanguageModel]
    recipes: Mapping[str, Recipe]
    tasks: Mapping[str, Task]
    tables: Mapping[str, Table]
    scale: Scale
    released: Mapping[str, ReleasedModel] = field(default_factory=dict)
    apart: Mapping[str, Table] = field(default_factory=dict)
    split: str = TEST
    seeds: int = 1
    other_models_study: Self | None = None
    second_system: SecondSystem = SecondSystem()

    @property
    def results_id(self) -> str:
        """The folder name of this study's results and tables."""
        return self.scale.id if self.split == TEST else f"{self.scale.id}-{self.split}"

    @property
    def models_study(self) -> Self:
        """The study at the scale whose models answer: this one, or that of the scale which it names under `models`."""
        return self.other_models_study or self

    def tokenizer(self, name: str) -> Tokenizer:
        return find("tokenizer", name, {**self.tokenizers, **self.second_system.tokenizers}, _TOKENIZERS)

    def llm(self, name: str) -> LanguageModel:
        return find("llm", name, self.llms, _LLMS)

    def language_model_size(self, llm: str) -> LanguageModelSize | None:
        """Returns the size of a language model that this scale makes itself; None where it takes it as published.

        Raises:
            VistokError: the scale makes its own, but none of this kind.
        """
        kind = self.llm(llm).kind
        sizes: Mapping[Any, LanguageModelSize] = self.scale.language_model
        return find("language_model", kind, sizes, self.scale_file) if sizes else None

    def shape(self, llm: str) -> Shape:
        """Returns the size of a language model at this scale."""
        own, entry = self.language_model_size(llm), self.llm(llm)
        return own.shape(entry.kind, OWN_VOCABULARY) if own else entry.shape

    def recipe(self, name: str) -> Recipe:
        return find("recipe", name, {**self.recipes, **self.second_system.recipes}, _RECIPES)

    def task(self, name: str) -> Task:
        return find("task", name, self.tasks, _TASKS)

    def released_model(self, name: str) -> ReleasedModel:
        return find("released model", name, self.released, _MODELS)

    @cached_property
    def suites(self) -> dict[str, tuple[Task, ...]]:
        """Every suite with its tasks: those that are asked together, as each task says of itself."""
        names = dict.fromkeys(task.suite for task in self.tasks.values())
        return {name: tuple(task for task in self.tasks.values() if task.suite == name) for name in names}

    def suite(self, name: str) -> tuple[Task, ...]:
        return find("suite", name, self.suites, _TASKS)

    def table(self, name: str) -> Table:
        return find("table", name, {**self.tables, **self.apart}, _TABLES)

    def image_set(self, name: str) -> ImageSet:
        return find("image set", name, self.scale.image_sets, self.scale_file)

    @cached_property
    def scale_file(self) -> Path:
        return SCALES / f"{self.scale.id}.yaml"

    def encoder(self, tokenizer: str) -> Encoder:
        """Returns the encoder of a tokenizer at this scale: the scale's own where it pretrains it."""
        entry = self.tokenizer(tokenizer)
        if not self.pretrains(tokenizer):
            return entry.encoder
        return find("encoder size", entry.size, self.scale.encoders, self.scale_file)

    def tapped(self, run: Run) -> Encoder:
        """Returns the encoder of a run as the run's recipe reads it."""
        return self.recipe(run.recipe).tap.of(self.encoder(run.tokenizer))

    def pretrains(self, tokenizer: str) -> bool:
        return bool(self.scale.encoders) and self.tokenizer(tokenizer).objective is not None

    def second_system_folder(self, tokenizer: str) -> str | None:
        """Returns where a second system's own step puts a tokenizer, below the scale's checkpoints; None of others."""
        entry = self.second_system.tokenizers.get(tokenizer)
        return entry.encoder.weights if entry else None

    def pretraining(self, tokenizer: str) -> Pretraining:
        """Returns the size of a tokenizer's pretraining at this scale, with the options of its own over the scale's."""
        entry = self.tokenizer(tokenizer)
        sizes: Mapping[Any, Pretraining] = self.scale.pretraining
        size = find("pretraining", entry.objective, sizes, self.scale_file)
        steps = self.scale.pretraining_steps.get(tokenizer, size.steps)
        return size.model_copy(update={"options": {**size.options, **entry.options}, "steps": steps})

    def task_files(self, task: str) -> TaskFiles | None:
        """Returns where a task's files are at this scale and split; None where the scale has none."""
        splits = {**self.scale.splits, TEST: self.scale.tasks}
        return find("split", self.split, splits, self.scale_file).get(task)


def find(kind: str, name: object, entries: Mapping[str, T], file: Path) -> T:
    """Returns the entry with an id.

    Raises:
        VistokError: there is none; names the legal ids, the nearest one, and the file to edit.
    """
    if not isinstance(name, str) or name not in entries:
        raise unknown(kind, name, entries, edit=str(file))
    return entries[name]
