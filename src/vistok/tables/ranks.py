"""The best and the second best cells of each column."""

from collections.abc import Sequence
from dataclasses import replace

from vistok.tables.report import Row


def ranked(rows: Sequence[Row]) -> list[Row]:
    """Returns rows with the ranks of their cells, ours and the published ones, among the rows shown."""
    columns = list(zip(*(row.cells for row in rows), strict=True))
    ours = [ranks([cell.ours_text for cell in column]) for column in columns]
    published = [ranks([cell.published_text for cell in column]) for column in columns]
    return [
        replace(
            row,
            cells=tuple(
                replace(cell, ours_rank=ours[column][index], published_rank=published[column][index])
                for column, cell in enumerate(row.cells)
            ),
        )
        for index, row in enumerate(rows)
    ]


def ranks(printed: Sequence[str]) -> list[int]:
    """Returns 1 for the best, 2 for the second best and 0 for the rest; cells that print the same rank the same.

    If all of several are equal, none is best.
    """
    numbers = [float(text) for text in printed if text != "-"]
    values = sorted(set(numbers), reverse=True)
    if len(values) < 2 <= len(numbers):
        return [0] * len(printed)
    best = {value: rank for rank, value in enumerate(values[:2], start=1)}
    return [0 if text == "-" else best.get(float(text), 0) for text in printed]
