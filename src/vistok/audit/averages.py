"""Recomputes every average of the published tables within its rounding interval."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from vistok.audit.findings import Finding, PublishedCells, slug
from vistok.published.tables import PublishedTable

_NEAR = 3
Cells = Mapping[str, Decimal]


def check_averages(tables: Mapping[int, PublishedTable]) -> tuple[Finding, ...]:
    """Returns one finding per wrong average, and one on all of them.

    A cell printed as 56.7 stands for anything in 56.65..56.75. An average is wrong if no values within the
    cells' intervals have a mean within the average's own.
    """
    findings: list[Finding] = []
    recomputed = 0
    for table in tables.values():
        for row, cells, average in _averaged_rows(table):
            recomputed += 1
            if not _agrees(table, cells, average):
                findings.append(_wrong_average(table, row, cells, average))
    return (_summary(recomputed, findings), *findings)


def _averaged_rows(table: PublishedTable) -> Iterator[tuple[int, Cells, Decimal]]:
    if table.average not in table.columns:
        return
    for row in range(len(table.rows)):
        average = table.printed(row, table.average)
        printed = {column: table.printed(row, column) for column in table.score_columns}
        cells = {column: value for column, value in printed.items() if value is not None}
        if average is not None and len(cells) == len(printed):
            yield row, cells, average


def mean(cells: Cells) -> Decimal:
    """Returns the exact mean of printed numbers."""
    return sum(cells.values(), Decimal(0)) / len(cells)


def _half_unit(table: PublishedTable) -> Decimal:
    return Decimal(5).scaleb(-table.decimals(table.average) - 1)


def _agrees(table: PublishedTable, cells: Cells, average: Decimal) -> bool:
    return abs(mean(cells) - average) <= 2 * _half_unit(table)


def _wrong_average(table: PublishedTable, row: int, cells: Cells, average: Decimal) -> Finding:
    row_id, exact, half = table.row_ids[row], mean(cells), _half_unit(table)
    readings = _readings(cells)
    slip = next((slip for slip in readings if abs(slip.average - average) <= half), None)
    return Finding(
        kind="average",
        anchor=f"average-table-{table.number}-{slug(row_id)}",
        group="tables",
        verdict="wrong",
        facts={
            "table": table.number,
            "row": row_id,
            "printed": float(average),
            "recomputed": float(exact),
            "recomputed low": float(exact - half),
            "recomputed high": float(exact + half),
        },
        rows=tuple({"column": column, "printed": str(value)} for column, value in cells.items()),
        details={
            "printed": average,
            "exact": exact,
            "low": exact - half,
            "high": exact + half,
            "slip": slip,
            "chance": _explained_by_chance(readings, exact, half),
            "near": _NEAR,
        },
        about=(PublishedCells(table.number, (table.average,), row_id),),
    )


@dataclass(frozen=True, slots=True)
class _Slip:
    """A slip that gives a wrong average: the mean of some columns alone, or two digits of one cell swapped."""

    average: Decimal
    columns: tuple[str, ...]
    printed: Decimal | None = None
    swapped: Decimal | None = None


def _readings(cells: Cells) -> list[_Slip]:
    """Returns simple slips: columns left out (fewest first), digits swapped."""
    subsets = [subset for size in range(len(cells) - 1, 1, -1) for subset in combinations(cells, size)]
    return [
        *(_Slip(mean({name: cells[name] for name in subset}), subset) for subset in subsets),
        *(
            _Slip(mean({**cells, name: swapped}), (name,), value, swapped)
            for name, value in cells.items()
            for swapped in _transpositions(value)
        ),
    ]


def _explained_by_chance(readings: list[_Slip], exact: Decimal, half: Decimal) -> float:
    """Returns the share of averages near the right one, yet wrong, that some slip gives."""
    unit = (2 * half).normalize()
    steps = int(_NEAR / unit)
    near = [exact.quantize(unit) + step * unit for step in range(-steps, steps + 1)]
    wrong = [average for average in near if abs(average - exact) > unit]
    return sum(any(abs(slip.average - average) <= half for slip in readings) for average in wrong) / len(
        wrong
    )


def _transpositions(value: Decimal) -> list[Decimal]:
    digits, decimals = value.as_tuple().digits, -value.adjusted() + len(value.as_tuple().digits) - 1
    swaps = ((*digits[:i], digits[i + 1], digits[i], *digits[i + 2 :]) for i in range(len(digits) - 1))
    return [swapped for swap in swaps if (swapped := Decimal((0, swap, -decimals))) != value]


def _summary(recomputed: int, wrong: list[Finding]) -> Finding:
    return Finding(
        kind="averages",
        anchor="averages",
        group="tables",
        verdict="note" if wrong else "clean",
        facts={"recomputed": recomputed, "wrong": len(wrong)},
    )
