"""The charts of the page: each table as dots with intervals, ours against published, and a run's curves."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vistok.pages.drawing import BLIND, OURS, PALETTE, PUBLISHED, SOFT, new_figure, svg
from vistok.pages.templating import cited
from vistok.tables.report import Row, TableReport
from vistok.tables.values import AVERAGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANELS_ACROSS = 4


def table_chart(report: TableReport) -> str:
    """Returns an SVG of a table: a panel a column, a line a row, with intervals, published numbers, the best blind."""
    columns = len(report.columns)
    down, names = -(-columns // _PANELS_ACROSS), [_name(report, row) for row in report.rows]
    with new_figure(12, down * (0.9 + 0.24 * len(names)) + 0.4) as figure:
        panels = figure.subplots(down, min(columns, _PANELS_ACROSS), sharey=True, squeeze=False).ravel()
        for index, axes in enumerate(panels):
            if index < columns:
                _column(axes, report, index, names)
            else:
                axes.set_visible(False)
        figure.legend(handles=_marks(), loc="outside upper left", ncols=4, frameon=False)
        return svg(figure)


def _name(report: TableReport, row: Row) -> str:
    sides = report.side_labels(row.labels).split(" · ")
    tuned = next((side for side in sides if side in ("✓", "×")), "")
    return f"{cited(row.labels[report.main_label])[0]} {tuned}".strip()


def _column(axes: "Axes", report: TableReport, index: int, names: Sequence[str]) -> None:
    cells = [row.cells[index] for row in report.rows]
    for height, cell in enumerate(cells):
        if cell.low is not None and cell.high is not None:
            axes.hlines(height, cell.low, cell.high, color=OURS, linewidth=1.6, alpha=0.55)
        if cell.published is not None:
            axes.plot(
                float(cell.published), height, "D", color=PUBLISHED, markersize=4, markerfacecolor="none"
            )
        if cell.ours is not None:
            axes.plot(cell.ours, height, "o", color=OURS, markersize=4)
        if cell.bar is not None:
            axes.plot([cell.bar, cell.bar], [height - 0.4, height + 0.4], color=BLIND, linewidth=1.4)
    axes.set_title(report.columns[index].title, fontsize=9.5, loc="left")
    axes.set_xlim(left=0)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), names)
    axes.grid(axis="y", color="#e3e6ec", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=2)


def _marks() -> list[object]:
    from matplotlib.lines import Line2D

    return [
        Line2D(
            [],
            [],
            color=OURS,
            marker="o",
            markersize=4,
            linewidth=1.6,
            alpha=0.8,
            label="ours, 95 % interval",
        ),
        Line2D(
            [],
            [],
            color=PUBLISHED,
            marker="D",
            markersize=4,
            markerfacecolor="none",
            linewidth=0,
            label="published",
        ),
        Line2D([], [], color=BLIND, marker="|", markersize=9, linewidth=0, label="best blind baseline"),
    ]


def against_published(reports: Sequence[TableReport]) -> str | None:
    """Returns an SVG of our cells against the published ones, a panel a column; None where no table has both."""
    pairs: dict[str, list[tuple[float, float]]] = {}
    for report in reports:
        for index, column in enumerate(report.columns):
            cells = [row.cells[index] for row in report.rows]
            both = [
                (float(c.published), c.ours) for c in cells if c.published is not None and c.ours is not None
            ]
            if both and column.task != AVERAGE:
                pairs.setdefault(column.title, []).extend(both)
    if not pairs:
        return None
    across = min(len(pairs), 6)
    down = -(-len(pairs) // across)
    with new_figure(2.1 * across + 0.4, 2.3 * down) as figure:
        panels = figure.subplots(down, across, squeeze=False).ravel()
        for axes, (title, points) in zip(panels, pairs.items(), strict=False):
            _scatter(axes, title, points)
        for axes in panels[len(pairs) :]:
            axes.set_visible(False)
        figure.supxlabel("published", fontsize=9)
        figure.supylabel("ours", fontsize=9)
        return svg(figure)


def _scatter(axes: "Axes", title: str, points: Sequence[tuple[float, float]]) -> None:
    most = 1.06 * max(max(pair) for pair in points) or 1.0
    axes.plot([0, most], [0, most], color=SOFT, linewidth=0.8, linestyle=":")
    axes.plot(*zip(*points, strict=True), "o", color=OURS, markersize=3.5, alpha=0.75)
    axes.set(xlim=(0, most), ylim=(0, most), aspect="equal")
    axes.set_title(title, fontsize=9, loc="left")


def run_curves(curves: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """Returns an SVG of a run's trainings: a panel each, its loss by step."""
    with new_figure(3.6 * len(curves), 2.4) as figure:
        panels = figure.subplots(1, len(curves), squeeze=False).ravel()
        for index, (axes, (name, points)) in enumerate(zip(panels, curves.items(), strict=True)):
            steps, losses = [point["step"] for point in points], [point["loss"] for point in points]
            axes.plot(steps, losses, color=PALETTE[index % len(PALETTE)], linewidth=1.2)
            axes.set_title(name, fontsize=9, loc="left")
            axes.set(xlabel="step", ylabel="loss")
            axes.set_xlim(left=0)
            axes.grid(color="#e3e6ec", linewidth=0.6)
        return svg(figure)
