"""One model asked in two ways: what that changes, paired over the images that it was asked about both times."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vistok.tables.pairs import pairs_of
from vistok.tables.report import Row
from vistok.tables.values import AVERAGE, Cell, Column

_NORMAL: Final = 1.96  # nothing was trained between the two: the images alone are drawn


@dataclass(frozen=True, slots=True)
class Change:
    """How many points one asking is above the other, with its 95 % interval over images."""

    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Askings:
    """A row less that of the same model which is asked evenly; None where one of them has no scores by image."""

    row: Row
    even: Row
    changes: tuple[Change | None, ...]


def askings(rows: Sequence[Row], columns: Sequence[Column]) -> tuple[Askings, ...]:
    """Returns each row that has one to be compared with."""
    evenly = {row.path: row for row in rows if row.evenly}
    return tuple(
        Askings(row, evenly[name], _changes(row, evenly[name], columns))
        for row in rows
        if not row.evenly and (name := row.even or row.path) in evenly
    )


def _changes(row: Row, even: Row, columns: Sequence[Column]) -> tuple[Change | None, ...]:
    cells = zip(row.cells, even.cells, columns, strict=True)
    return tuple(None if column.task == AVERAGE else _change(*pair) for *pair, column in cells)


def _change(cell: Cell, even: Cell) -> Change | None:
    pair = next(iter(pairs_of({"row": cell, "even": even})), None)
    if pair is None:
        return None
    width = _NORMAL * pair.error
    return Change(pair.difference, pair.difference - width, pair.difference + width)
