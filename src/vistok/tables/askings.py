"""One model asked in two ways: what that changes, paired over the images that it was asked about both times."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vistok.tables.pairs import family
from vistok.tables.report import Row
from vistok.tables.values import Column

_NORMAL: Final = 1.96  # nothing was trained: the images alone are drawn


@dataclass(frozen=True, slots=True)
class Change:
    """How many points one asking is above the other, with its 95 % interval over images."""

    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Askings:
    """A row less the row of the same model that is asked as all are; None where one of them has no scores by image."""

    row: Row
    even: Row
    changes: tuple[Change | None, ...]


def askings(rows: Sequence[Row], columns: Sequence[Column]) -> tuple[Askings, ...]:
    """Returns each row that has one to be compared with."""
    paths = {row.path: row for row in rows}
    return tuple(
        Askings(row, paths[row.even], _changes(row, paths[row.even], columns))
        for row in rows
        if row.even in paths
    )


def _changes(row: Row, even: Row, columns: Sequence[Column]) -> tuple[Change | None, ...]:
    found = {entry.column.asks: entry.pairs[0] for entry in family("", (row, even), columns).columns}
    return tuple(
        Change(
            pair.difference, pair.difference - _NORMAL * pair.error, pair.difference + _NORMAL * pair.error
        )
        if (pair := found.get(column.asks))
        else None
        for column in columns
    )
