"""Which rows of a table differ significantly, in words."""

from collections.abc import Mapping
from dataclasses import dataclass

from vistok.pages.templating import cited
from vistok.tables.pairs import Family, families, family
from vistok.tables.report import TableReport
from vistok.tables.values import AVERAGE


@dataclass(frozen=True, slots=True)
class Compared:
    """A family of rows in words: its name, how many pairs differ in each column, and which do not."""

    name: str
    rows: int
    counts: tuple[str, ...]
    together: tuple[tuple[str, str], ...]


def compared_in_words(report: TableReport) -> list[Compared]:
    """Returns each family of a table's rows that are compared with one another."""
    names = {row.path: cited(row.labels[report.main_label])[0] for row in report.rows}
    chosen = families(report.rows, report.columns)
    if report.paper == "ett":  # each row has a recipe of its own, and the control is none of the paper's
        names = {row.path: ", ".join(row.labels) for row in report.rows}
        chosen = (family("all", report.rows, report.columns),)
    return [_in_words(entry, report, names) for entry in chosen if entry.columns]


def _in_words(compared: Family, report: TableReport, names: Mapping[str, str]) -> Compared:
    by_column = {entry.column.title: entry for entry in compared.columns}
    shown = [by_column.get(column.title) for column in report.columns if column.task != AVERAGE]
    return Compared(
        compared.name,
        len(compared.rows),
        tuple(f"{entry.count} of {len(entry.pairs)}" if entry else "-" for entry in shown),
        tuple(
            (
                entry.column.title,
                "; ".join(f"{names[pair.first]} and {names[pair.second]}" for pair in entry.together),
            )
            for entry in compared.columns
            if entry.count and entry.together
        ),
    )
