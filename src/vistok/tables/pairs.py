"""Which rows of a table differ significantly in each column, over shared images and over trainings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vistok.evaluation.pairs import ByImage, Pair, compare_rows, told_apart
from vistok.evaluation.statistics import LEAST_GROUPS
from vistok.grid.paths import Paths
from vistok.grid.runs import Run
from vistok.grid.study import Study
from vistok.grid.tables import Row as GridRow
from vistok.tables.report import Row
from vistok.tables.values import AVERAGE, Cell, Column


@dataclass(frozen=True, slots=True)
class ColumnPairs:
    """Every pair of a family's rows in one column, and which differ at 5 % over all pairs of the column."""

    column: Column
    pairs: tuple[Pair, ...]
    apart: tuple[bool, ...]

    @property
    def count(self) -> int:
        """How many pairs differ significantly."""
        return sum(self.apart)

    @property
    def together(self) -> tuple[Pair, ...]:
        """The pairs that do not differ significantly."""
        return tuple(pair for pair, apart in zip(self.pairs, self.apart, strict=True) if not apart)

    @property
    def noise(self) -> str:
        return self.pairs[0].noise


@dataclass(frozen=True, slots=True)
class Family:
    """Rows that are compared with one another, by the ids under which their answers are kept, without the seed."""

    name: str
    rows: tuple[str, ...]
    columns: tuple[ColumnPairs, ...]


def families(rows: Sequence[Row], columns: Sequence[Column]) -> tuple[Family, ...]:
    """Returns the families of a table: the paper's rows that share recipe and language model.

    Where some rows are asked evenly, those alone. Where no two share both, all of the paper's rows are one. A column
    without scores by image is left out, and a family with fewer than two rows or no column.
    """
    groups: dict[str, list[Row]] = {}
    even_rows = [row for row in rows if row.evenly] or rows
    published = [row for row in even_rows if any(cell.published is not None for cell in row.cells)]
    for row in published:
        if isinstance(subject := row.subjects[0], Run):
            groups.setdefault(f"{subject.recipe}/{subject.llm}", []).append(row)
    several = {name: group for name, group in groups.items() if len(group) > 1} or {"all": published}
    compared = (family(name, group, columns) for name, group in several.items())
    return tuple(entry for entry in compared if entry.columns)


def family(name: str, rows: Sequence[Row], columns: Iterable[Column]) -> Family:
    """Returns some rows of a table compared with one another in each column with scores by image."""
    pairs = []
    for index, column in enumerate(columns):
        compared = pairs_of({row.path: row.cells[index] for row in rows}) if column.task != AVERAGE else ()
        if compared:
            pairs.append(ColumnPairs(column, compared, told_apart([pair.p_value for pair in compared])))
    return Family(name, tuple(row.path for row in rows), tuple(pairs))


def pairs_of(cells: Mapping[str, Cell]) -> tuple[Pair, ...]:
    """Returns every pair of some cells that tell scores by image, by their names; none where too few do."""
    by_image = {name: cell.by_image for name, cell in cells.items() if cell.by_image is not None}
    return tuple(compare_rows(by_image)) if len(by_image) > 1 and _enough(by_image) else ()


def with_bounds(study: Study, table: str) -> Study:
    """Returns a study in which the floors and ceilings of one table are rows of it, behind its own."""
    entry = study.table(table)
    rows = (*entry.rows, *study.bounds(table))
    return replace(study, tables={**study.tables, table: entry.model_copy(update={"rows": rows})})


def as_built(study: Study, table: str) -> Study:
    """Returns a study in which each row of a table has those of its seeds alone that every column was scored with.

    A row that was scored with none keeps its seeds: it is then missed, as any other.
    """
    entry = study.table(table)
    rows = tuple(_scored(study, table, row) if isinstance(row, GridRow) else row for row in entry.rows)
    return replace(study, tables={**study.tables, table: entry.model_copy(update={"rows": rows})})


def _scored(study: Study, table: str, row: GridRow) -> GridRow:
    paths, tasks = Paths(study), study.measured(table, row)
    seeds = tuple(
        run.seed for run in row.subjects if all(paths.metrics(run, task).is_file() for task in tasks)
    )
    return row.model_copy(update={"seeds": seeds}) if seeds else row


def self_supervised(study: Study, rows: Sequence[Row], columns: Sequence[Column]) -> tuple[Family, ...]:
    """Returns, by recipe and language model, the self-supervised rows and their floors compared with one another."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if isinstance(run := row.subjects[0], Run) and (
            study.tokenizer(run.tokenizer).supervision == "self"
            or run.tokenizer in study.scale.floors.values()
        ):
            groups.setdefault(f"self-supervised and floor, {run.recipe}/{run.llm}", []).append(row)
    compared = (family(name, group, columns) for name, group in groups.items() if len(group) > 1)
    return tuple(entry for entry in compared if entry.columns)


def by_image_of(trainings: Sequence[tuple[Sequence[float], Sequence[int]] | None]) -> ByImage | None:
    """Returns the sums and counts by image of a row's trainings; None where one of them does not tell its own.

    Trainings of one row answered the same questions, because they are scored against the same file.
    """
    present = [entry for entry in trainings if entry is not None]
    if not present or len(present) < len(trainings) or any(entry[1] != present[0][1] for entry in present):
        return None
    sums = np.array([entry[0] for entry in present], dtype=np.float64)
    return ByImage(sums, np.array(present[0][1], dtype=np.float64))


def as_json(compared: Family) -> dict[str, Any]:
    """Returns a family for machines: its rows, and each column's pairs."""
    return {
        "rows": list(compared.rows),
        "columns": {column.column.title: _column(column) for column in compared.columns},
    }


def _column(column: ColumnPairs) -> dict[str, Any]:
    return {
        "told_apart": column.count,
        "of": len(column.pairs),
        "noise": column.noise,
        "pairs": [
            {
                "first": pair.first,
                "second": pair.second,
                "difference": round(pair.difference, 4),
                "error": round(pair.error, 4),
                "p_value": round(pair.p_value, 6),
                "told_apart": apart,
            }
            for pair, apart in zip(column.pairs, column.apart, strict=True)
        ],
    }


def _enough(rows: Mapping[str, ByImage]) -> bool:
    return len(next(iter(rows.values())).counts) >= LEAST_GROUPS
