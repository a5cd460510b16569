"""Renders a table as one HTML page that needs no network, for a phone, a desk and paper."""

import re
from dataclasses import dataclass
from decimal import Decimal

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from vistok.pages.page import PAGE
from vistok.tables.notes import BAR, BEATEN
from vistok.tables.values import Cell, TableReport

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


def render_html(report: TableReport) -> str:
    """Returns the page."""
    environment = Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"prose": prose, "cited": cited}
    bars = [_bars([row.cells[place] for row in report.rows]) for place in range(len(report.columns))]
    return environment.from_string(PAGE).render(
        report=report,
        bars=list(zip(*bars, strict=True)),
        beaten=BEATEN,
        bar_mark=BAR,
        ranks={0: "", 1: "best", 2: "second"},
    )


def prose(text: str) -> Markup:
    """Returns text as HTML, with what stands between backticks as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )


def cited(label: str) -> tuple[str, str]:
    """Returns a label's name and its citation: 'MAE (He et al., 2022)' -> 'MAE', 'He et al., 2022'."""
    found = re.fullmatch(r"(.+?)\s*\((.+)\)", label)
    return (found[1], found[2]) if found else (label, "")


def _bars(cells: list[Cell]) -> list[Bar]:
    """Returns the pictures of one column, all on one axis from zero."""
    rows = [(cell.ours, cell.low, cell.high, _float(cell.published), cell.bar) for cell in cells]
    top = max((value for row in rows for value in row if value is not None), default=0.0) * _ROOM or 1.0
    return [Bar(*(None if value is None else round(100 * value / top, 1) for value in row)) for row in rows]


def _float(published: Decimal | None) -> float | None:
    return None if published is None else float(published)
