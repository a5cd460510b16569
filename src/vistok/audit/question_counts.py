"""Finds the published columns whose percentages reveal how many questions they were measured on."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

from vistok.audit.findings import Finding, PublishedCells, slug
from vistok.audit.granularity import Granularity, Search, column_granularity, is_reachable
from vistok.published.tables import PublishedTable

SEARCHED = range(2, 2001)
TABLES: tuple[tuple[int, ...], ...] = ((2,), (2, 3), (2, 3, 4), (5, 6), (8,))
COLUMNS = ("COCO-OC", "COCO-MCI", "VCR-OC", "VCR-MCI")
SIGNIFICANT = 1e-3


def check_granularity(tables: Mapping[int, PublishedTable]) -> tuple[Finding, ...]:
    """Returns one finding per column whose granularity gives its size away, and one on all columns."""
    search = Search.over(SEARCHED)
    columns = {
        (group, column): column_granularity(distinct_cells(tables, group, column), search)
        for group in TABLES
        for column in COLUMNS
    }
    findings = []
    for column in COLUMNS:
        group = min(TABLES, key=lambda tried: columns[tried, column].p_value)
        granularity = columns[group, column]
        if granularity.p_value * len(columns) < SIGNIFICANT:
            findings.append(_telling(tables, group, column, granularity))
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
    tables: Mapping[int, PublishedTable], group: Sequence[int], column: str, granularity: Granularity
) -> Finding:
    error = 100 * math.sqrt(0.25 / granularity.questions)
    exceptions = [
        str(value)
        for value in distinct_cells(tables, group, column)
        if not is_reachable(value, granularity.questions)
    ]
    label = _tables_label(group)
    return Finding(
        kind="question-count",
        anchor=f"granularity-{slug(label)}-{slug(column)}",
        group="tables",
        verdict="doubtful",
        facts={
            "tables": label,
            "column": column,
            "questions": granularity.questions,
            "cells": granularity.cells,
            "fitting": granularity.fitting,
            "chance of one cell": granularity.chance,
            "p": granularity.p_value,
            "standard error in points": error,
        },
        details={
            "exceptions": exceptions,
            "searched": (SEARCHED[0], SEARCHED[-1]),
            "apart": 1.96 * math.sqrt(2) * error,
        },
        about=tuple(PublishedCells(number, (column,)) for number in group),
    )


def _summary(columns: Mapping[tuple[tuple[int, ...], str], Granularity]) -> Finding:
    return Finding(
        kind="granularity",
        anchor="granularity",
        group="tables",
        verdict="note",
        rows=tuple(
            {
                "tables": _tables_label(group),
                "column": column,
                "cells": granularity.cells,
                "smallest fitting all": granularity.smallest,
                "most telling": granularity.questions,
                "cells it fits": granularity.fitting,
                "p": granularity.p_value,
            }
            for (group, column), granularity in columns.items()
        ),
    )
