"""Marks the paper's numbers in a table with what the audit finds about them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from vistok.audit.findings import Finding
from vistok.tables.report import AuditNote, TableReport

_SHOWN = ("wrong", "doubtful")


def with_audit(
    report: TableReport, row_ids: Sequence[str | None], findings: Iterable[Finding]
) -> TableReport:
    """Returns the table with a mark at each published cell, or column, that a finding is about.

    Args:
        report: the table.
        row_ids: for each row the id of its published row; None for a row of our own.
        findings: of the published tables.
    """
    notes: list[AuditNote] = []
    columns: defaultdict[str, list[str]] = defaultdict(list)
    cells: defaultdict[tuple[str | None, str], list[str]] = defaultdict(list)
    titles = {column.title for column in report.columns}
    for finding in findings:
        mark, marked = str(len(notes) + 1), False
        for about in finding.about if finding.verdict in _SHOWN else ():
            if about.table != report.number or (about.row and about.row not in row_ids):
                continue
            for title in titles.intersection(about.columns):
                (cells[about.row, title] if about.row else columns[title]).append(mark)
                marked = True
        if marked:
            notes.append(AuditNote(mark, finding))
    return replace(
        report,
        columns=tuple(replace(column, audit=tuple(columns[column.title])) for column in report.columns),
        rows=tuple(
            replace(
                row,
                cells=tuple(
                    replace(cell, audit=tuple(cells[row_id, column.title]))
                    for column, cell in zip(report.columns, row.cells, strict=True)
                ),
            )
            for row_id, row in zip(row_ids, report.rows, strict=True)
        ),
        audit=tuple(notes),
    )
