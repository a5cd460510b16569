"""Finds the published columns whose percentages give away how many questions they were measured on."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

from vistok.audit.findings import Finding, PublishedCells, p_text, slug
from vistok.audit.granularity import Granularity, Search, column_granularity, is_reachable
from vistok.published.tables import PublishedTable

SEARCHED = range(2, 2001)
TABLES: tuple[tuple[int, ...], ...] = ((2,), (2, 3), (2, 3, 4), (5, 6), (8,))
COLUMNS = ("COCO-OC", "COCO-MCI", "VCR-OC", "VCR-MCI")
SIGNIFICANT = 1e-3


def check_granularity(tables: Mapping[int, PublishedTable]) -> tuple[Finding, ...]:
    """Returns one finding a column whose granularity gives its size away, and one on all columns."""
    search = Search.over(SEARCHED)
    columns = {
        (group, column): column_granularity(distinct_cells(tables, group, column), search)
        for group in TABLES
        for column in COLUMNS
    }
    findings = []
    for column in COLUMNS:
        group = min(TABLES, key=lambda tried: columns[tried, column].p_value)
        found = columns[group, column]
        if found.p_value * len(columns) < SIGNIFICANT:
            findings.append(_telling(tables, group, column, found))
    return (_summary(columns), *findings)


def questions_found(findings: Sequence[Finding]) -> dict[str, int]:
    """Returns column -> number of questions, for the columns of Table 2 that gave their size away."""
    return {
        str(finding.facts["column"]): int(finding.facts["questions"])
        for finding in findings
        if finding.anchor.startswith(("granularity-table-2-", "granularity-tables-2-"))
        and isinstance(finding.facts["questions"], int)
    }


def distinct_cells(
    tables: Mapping[int, PublishedTable], numbers: Sequence[int], column: str
) -> tuple[Decimal, ...]:
    """Returns the column's cells over several tables, a row that they repeat only once."""
    cells: dict[str, Decimal] = {}
    for number in numbers:
        table = tables[number]
        for row, row_id in enumerate(table.row_ids):
            value = table.printed(row, column)
            if value is not None:
                cells.setdefault(_repeated_row(row_id), value)
    return tuple(cells.values())


def _repeated_row(row_id: str) -> str:
    """Returns the row's name in Table 6, where Table 5 prints it under another."""
    return "eva-clip-fd" if row_id == "gvt" else row_id


def _tables_label(group: Sequence[int]) -> str:
    return f"Table {group[0]}" if len(group) == 1 else f"Tables {group[0]}-{group[-1]}"


def _telling(
    tables: Mapping[int, PublishedTable], group: Sequence[int], column: str, found: Granularity
) -> Finding:
    error = 100 * math.sqrt(0.25 / found.questions)
    exceptions = [
        str(value)
        for value in distinct_cells(tables, group, column)
        if not is_reachable(value, found.questions)
    ]
    but = f" (not {', '.join(exceptions)})" if exceptions else ""
    label = _tables_label(group)
    return Finding(
        anchor=f"granularity-{slug(label)}-{slug(column)}",
        group="tables",
        verdict="doubtful",
        title=f"{column} of {label} was probably measured on {found.questions} questions, not 10,000",
        tested=f"For which numbers of questions the column's percentages are whole numbers of right answers; "
        f"all from {SEARCHED[0]} to {SEARCHED[-1]} were tried.",
        facts={
            "tables": label,
            "column": column,
            "questions": found.questions,
            "cells": found.cells,
            "fitting": found.fitting,
            "chance of one cell": found.chance,
            "p": found.p_value,
            "standard error in points": error,
        },
        surprise=f"{found.fitting} of {found.cells} cells (a row that several tables print is one) are multiples of "
        f"100/{found.questions}{but}; a random "
        f"cell is with probability {found.chance:.2f}. {p_text(found.p_value)} after correction for all "
        "numbers tried. "
        "Numbers rounded by hand to that step are the other reading.",
        about=tuple(PublishedCells(number, (column,)) for number in group),
        meaning=f"A standard error of {error:.1f} points a cell: two printed cells tell rows apart from about "
        f"{1.96 * math.sqrt(2) * error:.0f} points on, if the rows err on questions of their own; their answers to the "
        "same questions could tell more, and are not given.",
    )


def _summary(columns: Mapping[tuple[tuple[int, ...], str], Granularity]) -> Finding:
    return Finding(
        anchor="granularity",
        group="tables",
        verdict="note",
        title="Which numbers of questions could have produced each column",
        tested="Every OC and MCI column of Tables 2-6 and 8. VQA and CIDEr are no shares of whole questions.",
        rows=tuple(
            {
                "tables": _tables_label(group),
                "column": column,
                "cells": found.cells,
                "smallest fitting all": found.smallest,
                "most telling": found.questions,
                "cells it fits": found.fitting,
                "p": found.p_value,
            }
            for (group, column), found in columns.items()
        ),
        surprise="p is corrected for the numbers tried in its column, not for the number of columns.",
        meaning="10,000 questions, as released, can produce every column; a far smaller number that also "
        "fits "
        "every cell, against the odds, is what was probably used.",
    )
