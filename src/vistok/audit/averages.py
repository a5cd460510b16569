"""Recomputes every average of the published tables within its rounding interval."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import combinations

from vistok.audit.findings import Finding, PublishedCells, slug
from vistok.published.tables import PublishedTable

AVERAGE = "Avg"
_NEAR = 3
Cells = Mapping[str, Decimal]


def check_averages(tables: Mapping[int, PublishedTable]) -> tuple[Finding, ...]:
    """Returns one finding a wrong average, and one on all of them.

    A cell printed as 56.7 stands for anything in 56.65..56.75. An average is wrong if no values within the
    cells' intervals have a mean within the average's own.
    """
    found: list[Finding] = []
    recomputed = 0
    for table in tables.values():
        for row, cells, average in _averaged_rows(table):
            recomputed += 1
            if not _agrees(table, cells, average):
                found.append(_wrong_average(table, row, cells, average))
    return (_summary(recomputed, found), *found)


def _averaged_rows(table: PublishedTable) -> Iterator[tuple[int, Cells, Decimal]]:
    if AVERAGE not in table.columns:
        return
    for row in range(len(table.rows)):
        average = table.printed(row, AVERAGE)
        printed = {column: table.printed(row, column) for column in table.score_columns}
        cells = {column: value for column, value in printed.items() if value is not None}
        if average is not None and len(cells) == len(printed):
            yield row, cells, average


def mean(cells: Cells) -> Decimal:
    """Returns the exact mean of printed numbers."""
    return sum(cells.values(), Decimal(0)) / len(cells)


def _half_unit(table: PublishedTable) -> Decimal:
    return Decimal(5).scaleb(-table.decimals(AVERAGE) - 1)


def _agrees(table: PublishedTable, cells: Cells, average: Decimal) -> bool:
    return abs(mean(cells) - average) <= 2 * _half_unit(table)


def _wrong_average(table: PublishedTable, row: int, cells: Cells, average: Decimal) -> Finding:
    row_id, exact, half = table.row_ids[row], mean(cells), _half_unit(table)
    return Finding(
        anchor=f"average-table-{table.number}-{slug(row_id)}",
        group="tables",
        verdict="wrong",
        title=f"Table {table.number}, {row_id}: the average is printed as {average}, the columns give "
        f"{exact:.2f}",
        tested="Whether the printed average is the mean of the printed columns, both taken with their "
        "rounding.",
        facts={
            "table": table.number,
            "row": row_id,
            "printed": float(average),
            "recomputed": float(exact),
            "recomputed low": float(exact - half),
            "recomputed high": float(exact + half),
        },
        rows=tuple({"column": column, "printed": str(value)} for column, value in cells.items()),
        surprise=f"Impossible by rounding: the mean lies in {exact - half:.4f}..{exact + half:.4f}. "
        + _explanation(cells, average, half),
        about=(PublishedCells(table.number, (AVERAGE,), row_id),),
        meaning=f"Comparisons of averages must use {exact:.2f}, unless a cell is what is misprinted.",
    )


def _explanation(cells: Cells, average: Decimal, half: Decimal) -> str:
    """Returns the slip that would give a printed average, with how many wrong averages some slip gives."""
    readings = _readings(cells)
    explained = next((text for found, text in readings if abs(found - average) <= half), None)
    if explained is None:
        return "No cells left out, and no two neighbouring digits swapped, explain it."
    chance = _explained_by_chance([found for found, _ in readings], mean(cells), half)
    return f"{explained} Such a slip fits {chance:.0%} of all wrong averages within {_NEAR} points: a hint, no proof."


def _readings(cells: Cells) -> list[tuple[Decimal, str]]:
    """Returns simple slips, each with the average that it gives: columns left out (fewest first), digits swapped."""
    subsets = [chosen for size in range(len(cells) - 1, 1, -1) for chosen in combinations(cells, size)]
    left_out = [(mean({name: cells[name] for name in chosen}), chosen) for chosen in subsets]
    swaps = [(name, value, swapped) for name, value in cells.items() for swapped in _transpositions(value)]
    return [
        *(
            (found, f"It is the mean of {', '.join(chosen)} alone, which is {found:.2f}.")
            for found, chosen in left_out
        ),
        *(
            (
                mean({**cells, name: swapped}),
                f"It is right if {name} is {swapped}, not {value}: two digits swapped.",
            )
            for name, value, swapped in swaps
        ),
    ]


def _explained_by_chance(readings: list[Decimal], exact: Decimal, half: Decimal) -> float:
    """Returns the share of averages near the right one, yet wrong, that some slip gives."""
    unit = (2 * half).normalize()
    steps = int(_NEAR / unit)
    near = [exact.quantize(unit) + step * unit for step in range(-steps, steps + 1)]
    wrong = [average for average in near if abs(average - exact) > unit]
    return sum(any(abs(found - average) <= half for found in readings) for average in wrong) / len(wrong)


def _transpositions(value: Decimal) -> list[Decimal]:
    digits, decimals = value.as_tuple().digits, -value.adjusted() + len(value.as_tuple().digits) - 1
    swaps = ((*digits[:i], digits[i + 1], digits[i], *digits[i + 2 :]) for i in range(len(digits) - 1))
    return [found for swap in swaps if (found := Decimal((0, swap, -decimals))) != value]


def _summary(recomputed: int, wrong: list[Finding]) -> Finding:
    return Finding(
        anchor="averages",
        group="tables",
        verdict="note" if wrong else "clean",
        title=f"{len(wrong)} of {recomputed} printed averages are wrong",
        tested="Every 'Avg' cell whose row is complete, against the mean of its columns.",
        facts={"recomputed": recomputed, "wrong": len(wrong)},
        surprise="Exact arithmetic: rounding cannot explain those counted as wrong.",
        meaning="'Avg' adds CIDEr to accuracies, so that one point of caption score weighs as much as one "
        "point of accuracy; compare columns rather than averages.",
    )
