"""Checks Table 7's columns against SEED-Bench's dimensions, and finds two whose labels are exchanged."""

import math
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import combinations

from vistok.audit.findings import Finding, PublishedCells, Scalar
from vistok.audit.granularity import is_reachable
from vistok.published.facts import (
    LEADERBOARD_IMAGE_AVERAGE,
    LEADERBOARD_ROW,
    SEED_BENCH,
    SEED_BENCH_SOURCE,
    Dimension,
)
from vistok.published.tables import PublishedTable

_PRINTED = tuple(dimension for dimension in SEED_BENCH if dimension.column)
_STEP = Decimal("0.1")
Labels = Mapping[str, Dimension]


def check_dimensions(tables: Mapping[int, PublishedTable]) -> tuple[Finding, ...]:
    """Returns which exchange of two labels of Table 7 fits the leaderboard, and which cells fit no count."""
    table = tables[7]
    as_printed = {dimension.column: dimension for dimension in _PRINTED if dimension.column}
    exchanges = {
        (first, second): {**as_printed, first: as_printed[second], second: as_printed[first]}
        for first, second in combinations(as_printed, 2)
    }
    best = min(exchanges, key=lambda pair: _mismatches(table, exchanges[pair]))
    better = _mismatches(table, exchanges[best]) < _mismatches(table, as_printed)
    return (
        _exchange(table, best, as_printed, exchanges[best]) if better else _no_exchange(table, as_printed),
        _unreachable(table, exchanges[best] if better else as_printed),
    )


def _row(table: PublishedTable, row_id: str) -> dict[str, Decimal]:
    row = table.row_index(row_id)
    cells = {column: table.printed(row, column) for column in table.score_columns}
    return {column: value for column, value in cells.items() if value is not None}


def _mismatches(table: PublishedTable, labels: Labels) -> int:
    """Counts the columns whose value, rounded, is not the leaderboard's under these labels."""
    row = _row(table, LEADERBOARD_ROW)
    return sum(
        _rounded(row[column]) != Decimal(dimension.leaderboard) for column, dimension in labels.items()
    )


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_STEP, ROUND_HALF_UP)


def weighted_mean(row: Mapping[str, Decimal], labels: Labels) -> Decimal:
    """Returns the question-weighted mean of a row of Table 7 under an assignment of columns to dimensions."""
    total = sum(dimension.questions for dimension in labels.values())
    return (
        sum((row[column] * dimension.questions for column, dimension in labels.items()), Decimal(0)) / total
    )


def _with_text(mean: Decimal) -> Decimal:
    """Returns the mean over all image questions, with the dimension that Table 7 leaves out."""
    left_out = [dimension for dimension in SEED_BENCH if not dimension.column]
    printed = sum(dimension.questions for dimension in _PRINTED)
    total = printed + sum(dimension.questions for dimension in left_out)
    return (mean * printed + sum(Decimal(d.leaderboard) * d.questions for d in left_out)) / total


def _exchange(table: PublishedTable, pair: tuple[str, str], printed: Labels, exchanged: Labels) -> Finding:
    row, before = _row(table, LEADERBOARD_ROW), _row(table, "eva-clip")
    first, second = pair
    gains = {column: row[column] - before[column] for column in pair}
    means = {
        name: _with_text(weighted_mean(row, labels)) for name, labels in (("as", printed), ("ex", exchanged))
    }
    gaps = {
        name: weighted_mean(row, labels) - weighted_mean(before, labels)
        for name, labels in (("as", printed), ("ex", exchanged))
    }
    return Finding(
        kind="dimensions-exchanged",
        anchor="dimensions-table-7-exchanged",
        group="tables",
        verdict="wrong",
        facts={
            "columns": f"{first}, {second}",
            "mismatches as printed": _mismatches(table, printed),
            "mismatches exchanged": _mismatches(table, exchanged),
            "weighted mean as printed": float(means["as"]),
            "weighted mean exchanged": float(means["ex"]),
            "leaderboard mean": float(LEADERBOARD_IMAGE_AVERAGE),
            "gain as printed": float(gaps["as"]),
            "gain exchanged": float(gaps["ex"]),
        },
        rows=tuple(
            {
                "column": column,
                "printed (FD)": str(row[column]),
                "leaderboard, as labelled": printed[column].leaderboard,
                "leaderboard, exchanged": exchanged[column].leaderboard,
                "gain by FD": f"{row[column] - before[column]:+.2f}",
            }
            for column in printed
        ),
        details={
            "pair": pair,
            "exchanges": math.comb(len(_PRINTED), 2),
            "source": SEED_BENCH_SOURCE,
            "leaderboard": LEADERBOARD_IMAGE_AVERAGE,
            "printed": means["as"],
            "exchanged": means["ex"],
            "dimension": printed[first].name.lower(),
            "gains": [gains[column] for column in pair],
            "location_reversed": first == "Inst.Loc" and gains[first] > 0 > gains[second],
            "error": _standard_error(row[second], before[second], printed[first].questions),
        },
        about=(PublishedCells(7, pair),),
    )


def _standard_error(one: Decimal, other: Decimal, questions: int) -> float:
    """Returns that of the difference of two shares, in points, their answers taken as independent."""
    return math.sqrt(sum(float(share) * (100 - float(share)) for share in (one, other)) / questions)


def _no_exchange(table: PublishedTable, printed: Labels) -> Finding:
    mismatches = _mismatches(table, printed)
    return Finding(
        kind="dimensions",
        anchor="dimensions-table-7",
        group="tables",
        verdict="wrong" if mismatches else "clean",
        facts={"mismatches": mismatches},
        details={"source": SEED_BENCH_SOURCE},
    )


def _unreachable(table: PublishedTable, labels: Labels) -> Finding:
    """Returns the cells that are not a whole number of right answers, whichever way they were rounded."""
    rows: tuple[Mapping[str, Scalar], ...] = tuple(
        {
            "row": row_id,
            "column": column,
            "printed": str(value),
            "dimension": dimension.name,
            "questions": dimension.questions,
            "nearest possible": _nearest(value, dimension.questions),
        }
        for row_id in table.row_ids
        for column, value in _row(table, row_id).items()
        for dimension in (labels[column],)
        if not is_reachable(value, dimension.questions) and not _is_truncated(value, dimension.questions)
    )
    cells = len(table.row_ids) * len(labels)
    return Finding(
        kind="unreachable",
        anchor="dimensions-table-7-unreachable",
        group="tables",
        verdict="wrong" if rows else "clean",
        facts={"cells": cells, "unreachable": len(rows)},
        rows=rows,
        about=tuple(PublishedCells(7, (str(row["column"]),), str(row["row"])) for row in rows),
    )


def _is_truncated(value: Decimal, questions: int) -> bool:
    """Returns whether some k/questions, in per cent and cut after two decimals, is `value`."""
    k = math.ceil(Fraction(value) * questions / 100)
    return Fraction(100 * k, questions) < Fraction(value) + Fraction(1, 100)


def _nearest(value: Decimal, questions: int) -> str:
    k = int((value * questions / 100).quantize(Decimal(1), ROUND_HALF_UP))
    return f"{k}/{questions} = {Decimal(100 * k) / questions:.2f}"
