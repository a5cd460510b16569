"""The cells that claims compare: values with a 95 % interval."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from vistok.claims.values import QuestionCount
from vistok.errors import VistokError
from vistok.published.tables import PublishedTable
from vistok.reading import read_json

Cell = tuple[int, str, str]
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Measured:
    """A cell's value and 95 % interval over images, in points.

    Attributes:
        training_error: the standard deviation that another training seed would give the value.
        training_freedom: the degrees of freedom that it was estimated with; 0 where no row of the column was trained
            with several seeds, so that it is not known.
        training_pooled: whether it was estimated over the other rows of the column, this one having one seed.
    """

    value: float
    low: float
    high: float
    training_error: float = 0.0
    training_freedom: int = 0
    training_pooled: bool = False

    @property
    def question_error(self) -> float:
        return (self.high - self.low) / (2 * _Z95)


def published_cells(
    tables: Mapping[int, PublishedTable], questions: tuple[QuestionCount, ...]
) -> dict[Cell, Measured]:
    """Returns (table, row id, column) -> the printed number with the interval its question count implies.

    Cells left blank, and cells whose question count is not declared, are left out. Questions are taken as
    independent; several on one image make the true interval somewhat wider.
    """
    return {
        (number, table.row_ids[row], column): _with_interval(value, entry)
        for entry in questions
        for number, table in tables.items()
        if number in entry.tables
        for column in entry.columns
        if column in table.columns
        for row in range(len(table.rows))
        if entry.rows is None or table.row_ids[row] in entry.rows
        if (value := table.value(row, column)) is not None
    }


def _with_interval(value: float, entry: QuestionCount) -> Measured:
    if entry.spread is None:
        share = value / 100
        error = 100 * math.sqrt(share * (1 - share) / entry.count)
    else:
        error = entry.spread * value / math.sqrt(entry.count)
    return Measured(value, value - _Z95 * error, value + _Z95 * error)


def read_cells(path: Path) -> dict[Cell, Measured | None]:
    """Returns the cells of a results file; a cell whose value or interval is null is not measured.

    `training_error`, `training_freedom` and `training_pooled` may be left out: no row of the column was trained with
    several seeds, and none is pooled.

    Raises:
        VistokError: the file is missing, or an entry lacks a field.
    """
    cells: dict[Cell, Measured | None] = {}
    for entry in read_json(path, what="results for the claims"):
        match entry:
            case {"table": int() as table, "row": str() as row, "column": str() as column, "value": None} | {
                "table": int() as table,
                "row": str() as row,
                "column": str() as column,
                "low": None,
            }:
                cells[table, row, column] = None
            case {
                "table": int() as table,
                "row": str() as row,
                "column": str() as column,
                "value": int() | float() as value,
                "low": int() | float() as low,
                "high": int() | float() as high,
            }:
                cells[table, row, column] = Measured(
                    float(value), float(low), float(high), *_training_noise(path, entry)
                )
            case _:
                raise VistokError(
                    f"{path}: table, row, column, value, low and high are needed, found {str(entry)[:120]}."
                )
    return cells


def _training_noise(path: Path, entry: Mapping[str, Any]) -> tuple[float, int, bool]:
    error, freedom = entry.get("training_error", 0.0), entry.get("training_freedom", 0)
    if not isinstance(error, int | float) or not isinstance(freedom, int) or (error and freedom < 1):
        raise VistokError(
            f"{path}: a training_error is a number, and with it training_freedom is 1 or more, found "
            f"{str(entry)[:160]}."
        )
    return float(error), freedom, entry.get("training_pooled", False) is True


def training_noise(values: Sequence[float], column: Iterable[Sequence[float]]) -> tuple[float, int, bool]:
    """Returns how far another training would move a row's mean, the freedom behind that, and whether it is pooled.

    A row that was trained several times tells it of itself, for rows differ in it: one that always gives the same
    answer has none. The others take what those of their column tell together.

    Args:
        values: the row's values, one per seed.
        column: those of every row of the column.
    """
    own = len(values) > 1
    spread, freedom = spread_of_seeds([values] if own else column)
    return spread / math.sqrt(len(values) or 1), freedom, not own and freedom > 0


def spread_of_seeds(rows: Iterable[Sequence[float]]) -> tuple[float, int]:
    """Returns the standard deviation between seeds, pooled over rows of one column, and its degrees of freedom.

    Both are 0 where no row has several seeds.

    Args:
        rows: each row's values, one per seed.
    """
    several = [values for values in rows if len(values) > 1]
    freedom = sum(len(values) - 1 for values in several)
    if not freedom:
        return 0.0, 0
    squares = sum((value - fmean(values)) ** 2 for values in several for value in values)
    return math.sqrt(squares / freedom), freedom
