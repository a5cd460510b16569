"""The whole study at one scale: every entry of the grid by its id, and what is derived from them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from vistok.errors import VistokError, unknown
from vistok.grid.image_sets import ImageSet
from vistok.grid.language_models import OWN_VOCABULARY, LanguageModel, Shape
from vistok.grid.recipes import Recipe
from vistok.grid.released_models import ReleasedModel
from vistok.grid.runs import RELEASED, Pretrained, Released, Run, Subject, runs_among
from vistok.grid.scale import Scale
from vistok.grid.tables import AnyRow, ReleasedRow, Row, Table
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
OWN_MODELS: Final = "a released model answers where models are taken as published; this scale makes its own"
OTHERS: Final = "another group's model, which this scale does not train (`trains_others`)"
T = TypeVar("T")
_SEED: Final = re.compile(r"seed-(0|[1-9][0-9]{0,8})")


@dataclass(frozen=True)
class Study:
    """The whole study at one scale, on one split of its questions.

    Attributes:
        apart: tables that are none of the paper's: each is built where it is asked for, and counts nowhere else.
        seeds: how often each row is trained that does not declare its own seeds.

    The methods that take an id raise a VistokError where it is not declared.
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
    other_models: Self | None = None

    @property
    def results_id(self) -> str:
        """The folder name of this study's results and tables."""
        return self.scale.id if self.split == TEST else f"{self.scale.id}-{self.split}"

    @property
    def models(self) -> Self:
        """The study of the scale whose checkpoints answer: this one, or that which the scale names."""
        return self.other_models or self

    def tokenizer(self, name: str) -> Tokenizer:
        return find("tokenizer", name, self.tokenizers, _TOKENIZERS)

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
        return find("recipe", name, self.recipes, _RECIPES)

    def followed(self, run: Run) -> Run | None:
        """Returns the run whose connector another one's training starts with, if its recipe follows one."""
        stage = self.recipe(run.recipe).follows
        if stage is None:
            return None
        llm = self.scale.in_others.get(stage.llm, stage.llm) if stage.llm else run.llm
        return Run(tokenizer=run.tokenizer, recipe=stage.recipe, llm=llm, seed=run.seed)

    def stages(self, runs: Iterable[Run]) -> tuple[Run, ...]:
        """Returns runs, each behind those that its training follows."""
        line: dict[Run, None] = {}
        for run in runs:
            before = self.followed(run)
            line |= dict.fromkeys((*(self.stages([before]) if before else ()), run))
        return tuple(line)

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

    def is_gated(self, tokenizer: str) -> bool:
        """Returns whether a build stops where a tokenizer's probe shows that its pretraining taught it nothing."""
        rows = (row for table in self.scale.probe_gate for row in self.table(table).rows)
        shown = {row.tokenizer for row in rows if isinstance(row, Row)}
        return tokenizer in shown and self.tokenizer(tokenizer).measured_cause is None

    def pretraining(self, tokenizer: str) -> Pretraining:
        """Returns the size of a tokenizer's pretraining at this scale, with the options of its own over the scale's."""
        entry = self.tokenizer(tokenizer)
        sizes: Mapping[Any, Pretraining] = self.scale.pretraining
        size = find("pretraining", entry.objective, sizes, self.scale_file)
        steps = self.scale.pretraining_steps.get(tokenizer, size.steps)
        return size.model_copy(update={"options": {**size.options, **entry.options}, "steps": steps})

    def lineage(self, tokenizers: Iterable[str]) -> tuple[str, ...]:
        """Returns tokenizers, each behind those that this scale makes it from: its base and its teacher."""
        line: dict[str, None] = {}
        for name in tokenizers:
            made_from = self.tokenizer(name).made_from if self.pretrains(name) else ()
            line |= dict.fromkeys((*self.lineage(made_from), name))
        return tuple(line)

    def made_from(self, pretrained: Pretrained) -> tuple[Pretrained, ...]:
        """Returns the pretrainings of a tokenizer's base and teacher that this scale does, of the same seed."""
        names = self.tokenizer(pretrained.tokenizer).made_from
        return tuple(
            Pretrained(tokenizer=name, seed=pretrained.seed) for name in names if self.pretrains(name)
        )

    def pretrainings(self, runs: Iterable[Run]) -> tuple[Pretrained, ...]:
        """Returns the pretrainings behind some runs, each behind those that it is made from."""
        line: dict[Pretrained, None] = {}
        for run in runs:
            names = filter(self.pretrains, self.lineage([run.tokenizer]))
            line |= dict.fromkeys(Pretrained(tokenizer=name, seed=run.seed) for name in names)
        return tuple(line)

    def task_files(self, task: str) -> TaskFiles | None:
        """Returns where a task's files are at this scale and split; None where the scale has none."""
        splits = {**self.scale.splits, TEST: self.scale.tasks}
        return find("split", self.split, splits, self.scale_file).get(task)

    def subjects(self, table: str | None = None) -> tuple[Subject, ...]:
        """Returns what answers for the rows of one table, or of all of them, each once, in the tables' order."""
        tables = self.tables.values() if table is None else [self.table(table)]
        rows = (row for entry in tables for row in self.rows(entry.id) if self.answers(row))
        return tuple(dict.fromkeys(subject for row in rows for subject in row.subjects))

    def rows(self, table: str) -> tuple[AnyRow, ...]:
        """Returns all rows that are measured for a table: its own, and those of its floors and ceilings."""
        return (*self.table(table).rows, *self.bounds(table))

    def bounds(self, table: str) -> tuple[Row, ...]:
        """Returns the rows of a table's floors, then of its ceilings, that this scale names.

        There is one of each for every language model, recipe and size of encoder among the table's rows; none that
        is a row of the table itself.
        """
        rows = [row for row in self.table(table).rows if isinstance(row, Row) and self.answers(row)]
        sides = zip(*(self.bounds_of(row) for row in rows), strict=True)
        named = {bound.path: bound for side in sides for bound in side if bound}
        own = {row.path for row in rows}
        return tuple(bound for path, bound in named.items() if path not in own)

    def bounds_of(self, row: Row) -> tuple[Row | None, Row | None]:
        """Returns the floor and the ceiling of a row: the rows of their tokenizers, all else alike.

        None where the scale names none of the size of the row's encoder, or does not train the row.
        """
        if not self.answers(row):
            return None, None
        size = self.tokenizer(row.tokenizer).size
        names = self.scale.floors.get(size), self.scale.ceilings.get(size)
        floor, ceiling = (
            Row(tokenizer=name, recipe=row.recipe, llm=row.llm).repeated(tuple(range(self.seeds)))
            if name
            else None
            for name in names
        )
        return floor, ceiling

    def runs(self, table: str | None = None) -> tuple[Run, ...]:
        """Returns the runs among the subjects: what this study trains."""
        return runs_among(self.subjects(table))

    def answers(self, row: Row | ReleasedRow) -> bool:
        """Returns whether a row is answered at this scale: released models are where models are taken as published."""
        return self.unanswered(row) is None

    def unanswered(self, row: Row | ReleasedRow) -> str | None:
        """Returns why a row is not answered at this scale; None where it is."""
        own = self.models.scale
        if isinstance(row, Row):
            other = row.own_models and not own.trains_others
            return OTHERS if other else own.leaves_out.get(row.llm)
        return OWN_MODELS if own.encoders or own.language_model else None

    def measured(self, table: str, row: Row | ReleasedRow) -> tuple[str, ...]:
        """Returns the tasks of a table's columns that one of its rows is measured on at this scale."""
        return self.table(table).measured(row) if self.answers(row) else ()

    def taught_kinds(self) -> tuple[str, ...]:
        """Returns the task kinds that some recipe teaches, in alphabetical order."""
        return tuple(sorted({kind for recipe in self.recipes.values() for kind in recipe.turns}))

    def answering_llms(self, table: str | None = None) -> tuple[str, ...]:
        """Returns the language models of one table's runs, or of all runs, in the tables' order."""
        return tuple(dict.fromkeys(run.llm for run in self.runs(table)))

    def suites_shown(self, table: str | None = None) -> tuple[str, ...]:
        """Returns the suites whose tasks one table shows, or all tables, in the order of their columns."""
        tables = self.tables.values() if table is None else [self.table(table)]
        columns = (column.task for entry in tables for column in entry.columns)
        return tuple(dict.fromkeys(self.task(task).suite for task in columns))

    def suites_asked(self) -> tuple[str, ...]:
        """Returns the suites of which some table shows a task, those apart included."""
        apart = (suite for table in self.apart for suite in self.suites_shown(table))
        return tuple(dict.fromkeys((*self.suites_shown(), *apart)))

    def suites_by_subject(self) -> dict[Subject, tuple[str, ...]]:
        """Returns every subject with the suites that it answers: those that its rows are measured on."""
        suites: dict[Subject, tuple[str, ...]] = {}
        for table in self.tables.values():
            for row in self.rows(table.id):
                own = [self.task(task).suite for task in self.measured(table.id, row)]
                for subject in row.subjects if self.answers(row) else ():
                    suites[subject] = tuple(dict.fromkeys((*suites.get(subject, ()), *own)))
        return suites

    def llms_of(self, suite: str) -> tuple[str, ...]:
        """Returns the language models that answer a suite: those of the tables that show it, or else of those apart."""
        shown, apart = (
            [table for table in tables if suite in self.suites_shown(table)]
            for tables in (self.tables, self.apart)
        )
        tables = shown or apart
        return tuple(dict.fromkeys(llm for table in tables for llm in self.answering_llms(table)))

    def run(self, path: str) -> Run:
        """Returns the run with this id, e.g. `clip/frozen/vicuna-7b/seed-0`."""
        match path.split("/"):
            case [tokenizer, recipe, llm, seed] if _SEED.fullmatch(seed):
                for part, check in (
                    (tokenizer, self.tokenizer),
                    (recipe, self.recipe),
                    (llm, self.language_model_size),
                ):
                    check(part)
                return Run(tokenizer=tokenizer, recipe=recipe, llm=llm, seed=int(seed[5:]))
        example = "".join(f", e.g. {run.path}" for run in self.runs()[:1])
        raise VistokError(f"not a run id: {path!r}. Legal: tokenizer/recipe/llm/seed-N{example}.")

    def pretrained(self, path: str) -> Pretrained:
        """Returns the pretraining with this id, e.g. `clip/seed-0`."""
        name, _, seed = path.partition("/")
        self.tokenizer(name)
        if not _SEED.fullmatch(seed):
            raise VistokError(
                f"not the id of a pretraining: {path!r}. Legal: tokenizer/seed-N, e.g. {name}/seed-0."
            )
        return Pretrained(tokenizer=name, seed=int(seed[5:]))

    def subject(self, path: str) -> Subject:
        """Returns what answers under an id: a run, or a released model such as `released/blip-2`."""
        folder, _, name = path.partition("/")
        if folder != RELEASED or "/" in name:
            return self.run(path)
        return Released(model=self.released_model(name).id)

    def answered_tasks(self) -> tuple[Task, ...]:
        """Returns the tasks of all suites of which some table shows a task."""
        return tuple(task for suite in self.suites_shown() for task in self.suite(suite))


def find(kind: str, name: object, entries: Mapping[str, T], file: Path) -> T:
    """Returns the entry with an id.

    Raises:
        VistokError: there is none; names the legal ids, the nearest one, and the file to edit.
    """
    if not isinstance(name, str) or name not in entries:
        raise unknown(kind, name, entries, edit=str(file))
    return entries[name]
