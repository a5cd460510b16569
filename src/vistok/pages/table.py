"""A table as pages: CSV, Markdown, LaTeX, and one HTML page that needs no network, for a phone, a desk and paper."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from vistok.pages.askings import askings_in_words
from vistok.pages.notes import banner, footnote, notes
from vistok.pages.rankings import rankings_in_words
from vistok.pages.sizes import COLUMNS, sizes_in_words, sources_in_words
from vistok.pages.table_csv import render_csv
from vistok.pages.templating import render
from vistok.pages.told_apart import compared_in_words
from vistok.pages.wording import worded
from vistok.tables.report import TableReport
from vistok.tables.values import Cell

_ROOM = 1.04  # the bar's axis ends a little behind the column's greatest number


@dataclass(frozen=True, slots=True)
class Bar:
    """One cell's picture: positions in per cent of the column's axis, None where there is nothing to draw."""

    ours: float | None
    low: float | None
    high: float | None
    published: float | None
    blind: float | None

    @property
    def spread(self) -> float:
        """The width of the interval, wide enough to be seen."""
        return max(round((self.high or 0.0) - (self.low or 0.0), 1), 0.5)


def render_table(report: TableReport, suffix: str, root: str = "") -> str:
    """Returns a table in one of `TABLE_FORMATS`; `root` leads from where it will lie to the study's page."""
    if suffix == "csv":
        return render_csv(report)
    return render(f"table.{suffix}.j2", root=root, **words_of(report))


def words_of(report: TableReport) -> dict[str, Any]:
    """Returns what the templates of a table take."""
    return {
        "report": report,
        "bars": pictures(report),
        "banner": banner(report.origin),
        "footnotes": {mark: footnote(row) for mark, row in report.footnotes.items()},
        "notes": notes(report),
        "compared": compared_in_words(report),
        "rankings": rankings_in_words(report),
        "sizes": sizes_in_words(report),
        "askings": askings_in_words(report),
        "size_columns": [*COLUMNS.values()],
        "size_sources": sources_in_words(report),
        "seeds": any(len(row.seeds) > 1 for row in report.rows),
        "worded": worded,
    }


def pictures(report: TableReport) -> list[tuple[Bar, ...]]:
    """Returns the picture of every cell, row by row."""
    bars = [_bars([row.cells[index] for row in report.rows]) for index in range(len(report.columns))]
    return list(zip(*bars, strict=True))


def _bars(cells: list[Cell]) -> list[Bar]:
    """Returns the pictures of one column, all on one axis from zero."""
    rows = [(cell.ours, cell.low, cell.high, _float(cell.published), cell.bar) for cell in cells]
    top = max((value for row in rows for value in row if value is not None), default=0.0) * _ROOM or 1.0
    return [Bar(*(None if value is None else round(100 * value / top, 1) for value in row)) for row in rows]


def _float(published: Decimal | None) -> float | None:
    return None if published is None else float(published)
