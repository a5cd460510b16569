"""The study at a glance: how far each row is on the way from floor to ceiling, at meaning and at single objects."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vistok.evaluation.kinds import task_kind
from vistok.grid.study import Study
from vistok.pages.drawing import PALETTE, SOFT, new_figure, svg
from vistok.pages.templating import cited
from vistok.tables.report import Row, TableReport
from vistok.tables.values import AVERAGE

SIDES: Final = ("semantics", "detail")


@dataclass(frozen=True, slots=True)
class Way:
    """The mean share of the way over some columns, in per cent, with its 95 % interval where each share has one."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Glance:
    """One row: its name, its table, and its share of the way at each of `SIDES`; None if no column has one."""

    name: str
    number: int
    ways: tuple[Way | None, Way | None]


def glances(study: Study, reports: Sequence[TableReport]) -> list[Glance]:
    """Returns every row that has a floor and a ceiling, each run once, in the tables' order.

    Semantics are VQA and captions; detail is what asks for single objects: OC and MCI.
    """
    by_runs: dict[tuple[str, ...], Glance] = {}
    for report in reports:
        detailed = [
            None if column.task == AVERAGE else task_kind(study.task(column.task).kind).fine_grained
            for column in report.columns
        ]
        for row in report.rows:
            ways = (_way(row, detailed, False), _way(row, detailed, True))
            if any(ways):
                by_runs.setdefault(row.runs, Glance(_name(report, row), report.number, ways))
    return list(by_runs.values())


def _way(row: Row, detailed: Sequence[bool | None], side: bool) -> Way | None:
    """Returns the mean over the columns of a side that have a ceiling; their errors are taken for independent."""
    given = [cell.share for cell, kind in zip(row.cells, detailed, strict=True) if kind is side]
    shares = [share for share in given if share and not share.exceeds]
    if not shares:
        return None
    value = sum(share.value for share in shares) / len(shares)
    halves = [
        (share.high - share.low) / 2 for share in shares if share.low is not None and share.high is not None
    ]
    if len(halves) < len(shares):
        return Way(value, None, None)
    half = sum(width**2 for width in halves) ** 0.5 / len(halves)
    return Way(value, value - half, value + half)


def _name(report: TableReport, row: Row) -> str:
    sides = report.side_labels(row.labels).split(" · ")
    tuned = next((side for side in sides if side in ("✓", "×")), "")
    return f"{cited(row.labels[report.main_label])[0]} {tuned}".strip()


def glance_chart(rows: Sequence[Glance]) -> str:
    """Returns an SVG: a line a row, its share of the way at semantics and at detail beside each other."""
    with new_figure(11, 0.9 + 0.27 * len(rows)) as figure:
        panels = figure.subplots(1, 2, sharey=True)
        for side, (axes, title) in enumerate(zip(panels, SIDES, strict=True)):
            for height, row in enumerate(rows):
                way = row.ways[side]
                if way is None:
                    continue
                if way.low is not None and way.high is not None:
                    axes.hlines(height, way.low, way.high, color=PALETTE[side], linewidth=1.8, alpha=0.55)
                axes.plot(way.value, height, "o", color=PALETTE[side], markersize=4.5)
            for end, name in ((0, "floor"), (100, "ceiling")):
                axes.axvline(end, color=SOFT, linewidth=0.9, linestyle="--")
                axes.annotate(
                    name, (end, -0.75), fontsize=7.5, color=SOFT, ha="center", annotation_clip=False
                )
            axes.set_title(f"{title}\n", fontsize=9.5, loc="left")
            axes.set_xlabel("% of the way from floor to ceiling")
            axes.set_ylim(len(rows) - 0.4, -0.6)
            axes.set_yticks(range(len(rows)), [f"{row.name}  (T{row.number})" for row in rows])
            axes.grid(axis="y", color="#e3e6ec", linewidth=0.6)
            axes.tick_params(length=2)
        return svg(figure)
