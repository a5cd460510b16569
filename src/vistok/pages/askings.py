"""One model asked in two ways, in words."""

from dataclasses import dataclass

from vistok.tables.askings import Change, askings
from vistok.tables.report import TableReport
from vistok.tables.values import AVERAGE, MINUS, number


@dataclass(frozen=True, slots=True)
class AskingsInWords:
    """A model's name, and what the other asking changes in each column."""

    name: str
    changes: tuple[str, ...]


def askings_in_words(report: TableReport) -> list[AskingsInWords]:
    """Returns each model of a table that is asked in two ways there."""
    shown = [index for index, column in enumerate(report.columns) if column.task != AVERAGE]
    return [
        AskingsInWords(
            entry.even.labels[report.main_label],
            tuple(_text(entry.changes[index], report.columns[index].decimals) for index in shown),
        )
        for entry in askings(report.rows, report.columns)
    ]


def _text(change: Change | None, decimals: int) -> str:
    if change is None:
        return "-"
    low, high, value = (number(each, decimals) for each in (change.low, change.high, change.difference))
    sign = "+" if change.difference > 0 else ""
    return f"{sign}{value} [{low}, {high}]".replace("-", MINUS)
