"""The whole study at one scale: what is trained from what, which rows are answered, and on which suites."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from vistok.errors import VistokError
from vistok.grid.entries import Entries
from vistok.grid.runs import RELEASED, Pretrained, Released, Run, Subject, runs_among
from vistok.grid.tables import AnyRow, ReleasedRow, Row
from vistok.grid.tasks import Task

OWN_MODELS: Final = "a released model answers where models are taken as published; this scale makes its own"
OTHERS: Final = "another group's model, which this scale does not train (`trains_others`)"
_SEED: Final = re.compile(r"seed-(0|[1-9][0-9]{0,8})")


@dataclass(frozen=True)
class Study(Entries):
    """The whole study at one scale, on one split of its questions: its entries, and what follows from them."""

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

    def is_gated(self, tokenizer: str) -> bool:
        """Returns whether a build stops where a tokenizer's probe shows that its pretraining taught it nothing."""
        rows = (row for table in self.scale.probe_gate for row in self.table(table).rows)
        shown = {row.tokenizer for row in rows if isinstance(row, Row)}
        return tokenizer in shown and self.tokenizer(tokenizer).measured_cause is None

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

        None where the scale names none of the size of the row's encoder, or does not train the row; and for a floor
        and a ceiling, of which the latter is not of the size of those that it bounds.
        """
        bounds = {*self.scale.floors.values(), *self.scale.ceilings.values()}
        if not self.answers(row) or row.tokenizer in bounds:
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
        own = self.models_study.scale
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
        tasks = (task for entry in tables for task in entry.tasks)
        return tuple(dict.fromkeys(self.task(task).suite for task in tasks))

    def suites_asked(self) -> tuple[str, ...]:
        """Returns the suites of which some table shows a task, those apart included."""
        apart = (suite for table in self.apart for suite in self.suites_shown(table))
        return tuple(dict.fromkeys((*self.suites_shown(), *apart)))

    def suites_by_subject(self, *, apart: bool = False) -> dict[Subject, tuple[str, ...]]:
        """Returns every subject with the suites that it answers: those that its rows are measured on.

        Args:
            apart: whether of the tables that are built where they are asked for, in place of the paper's.
        """
        suites: dict[Subject, tuple[str, ...]] = {}
        for table in (self.apart if apart else self.tables).values():
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
                for name, check in (
                    (tokenizer, self.tokenizer),
                    (recipe, self.recipe),
                    (llm, self.language_model_size),
                ):
                    check(name)
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
