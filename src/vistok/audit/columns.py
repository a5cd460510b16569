"""Checks columns: marks of the best rows, rows printed twice, and whether a column's rows differ at all."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from vistok.audit.findings import Finding, PublishedCells, slug
from vistok.audit.question_counts import COLUMNS
from vistok.evaluation.statistics import homogeneity_test
from vistok.published.facts import UNDERLINED
from vistok.published.tables import PublishedTable

RELEASED_QUESTIONS = 10_000


def check_marks(tables: Mapping[int, PublishedTable]) -> tuple[Finding, ...]:
    """Compares the underlined cells with the second-best value of their column."""
    rows = [
        {"table": number, "column": column, "underlined": row_id, **_ranks(tables[number], column, row_id)}
        for number, marks in UNDERLINED.items()
        for column, row_id in marks.items()
    ]
    wrong = [row for row in rows if row["place by value"] != 2]
    tied = [row for row in rows if row["place by value"] == 2 and row["place by rank"] != 2]
    return (
        Finding(
            kind="marks",
            anchor="marks",
            group="tables",
            verdict="wrong" if wrong else "note" if tied else "clean",
            facts={"marks": len(rows), "wrong": len(wrong), "beside a tie": len(tied)},
            rows=tuple(tied + wrong) or tuple(rows),
        ),
    )


def _ranks(table: PublishedTable, column: str, row_id: str) -> dict[str, str | int]:
    cells = {name: table.printed(row, column) for row, name in enumerate(table.row_ids)}
    printed = {name: value for name, value in cells.items() if value is not None}
    value, best = printed[row_id], max(printed.values())
    return {
        "value": str(value),
        "best": str(best),
        "best rows": ", ".join(name for name, other in printed.items() if other == best),
        "place by value": 1 + len({other for other in printed.values() if other > value}),
        "place by rank": 1 + sum(other > value for other in printed.values()),
    }


def check_repeated_rows(tables: Mapping[int, PublishedTable]) -> tuple[Finding, ...]:
    """Compares the cells of rows that several tables print."""
    printed: defaultdict[tuple[str, str], dict[int, Decimal | None]] = defaultdict(dict)
    for number in (2, 3, 4, 5, 6):
        table = tables[number]
        for row, row_id in enumerate(table.row_ids):
            for column in table.numeric_columns:
                name = "eva-clip-fd" if row_id == "gvt" else row_id
                printed[name, column.replace("VQAv2", "VQA")][number] = table.printed(row, column)
    repeated = {key: cells for key, cells in printed.items() if len(cells) > 1}
    differing = {key: cells for key, cells in repeated.items() if len(set(cells.values())) > 1}
    return (
        Finding(
            kind="repeated-rows",
            anchor="repeated-rows",
            group="tables",
            verdict="wrong" if differing else "clean",
            facts={"cells": len(repeated), "differing": len(differing)},
            rows=tuple(
                {
                    "row": row,
                    "column": column,
                    **{f"table {number}": str(value) for number, value in cells.items()},
                }
                for (row, column), cells in differing.items()
            ),
        ),
    )


def check_homogeneity(
    tables: Mapping[int, PublishedTable], questions: Mapping[str, int]
) -> tuple[Finding, ...]:
    """Tests whether the twelve rows of each OC and MCI column of Table 2 differ by more than chance allows.

    `questions` names the columns whose size is not the released 10,000.
    """
    return tuple(
        _homogeneity(tables[2], column, questions.get(column, RELEASED_QUESTIONS)) for column in COLUMNS
    )


def _homogeneity(table: PublishedTable, column: str, questions: int) -> Finding:
    values = [value for row in range(len(table.rows)) if (value := table.value(row, column)) is not None]
    test = homogeneity_test(values, questions)
    alike = test.p_value > 0.05
    return Finding(
        kind="homogeneity",
        anchor=f"homogeneity-table-2-{slug(column)}",
        group="tables",
        verdict="doubtful" if alike else "clean",
        facts={
            "chi2": test.chi2,
            "degrees of freedom": test.degrees,
            "p": test.p_value,
            "questions": questions,
            "lowest": min(values),
            "highest": max(values),
        },
        details={"rows": len(values), "column": column, "alike": alike},
        about=(PublishedCells(2, (column,)),) if alike else (),
    )
