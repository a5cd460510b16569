"""The forest plot of the claims: every difference with its interval, coloured by its verdict."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

from vistok.claims.evaluate import Outcome, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VERDICTS: tuple[Verdict, ...] = ("holds", "within noise", "contradicted", "not measured")
_COLORS: dict[Verdict, str] = {
    "holds": "#0173b2",
    "within noise": "#6b6b6b",
    "contradicted": "#c4500b",
    "not measured": "#8c8c8c",
}
# The font bundled with matplotlib, so that the layout is the same on every machine.
_FONT = {"font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"]}
_LINEAR_POINTS = 10


@dataclass(frozen=True, slots=True)
class _Layout:
    """The layout of a row: its height in inches, and the positions (-0.5 to 0.5) of its texts and points."""

    height: float
    text: float
    points: float
    band: float


_WIDE = _Layout(height=0.27, text=0.0, points=0.0, band=0.36)
_NARROW = _Layout(height=0.44, text=-0.3, points=0.14, band=0.22)


def page_figures(outcomes: Mapping[str, Sequence[Outcome]]) -> dict[str, str]:
    """Returns what `figure.html.j2` shows: the forest plot for screens and paper, and for phones."""
    return {"figure": forest_plot(outcomes), "narrow_figure": forest_plot(outcomes, narrow=True)}


def forest_plot(outcomes: Mapping[str, Sequence[Outcome]], *, narrow: bool = False) -> str:
    """Returns an SVG with one panel per source of cells (`published`, a scale) and one row per claim.

    The axis is linear within 10 points and logarithmic beyond. The same outcomes give the same bytes. A narrow one,
    for phones, has its panels below each other and what each row says above its points; no id of it is one of the
    wide one's, so that a page may hold both.
    """
    import matplotlib as mpl
    import seaborn as sns
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    claims, sources = len(next(iter(outcomes.values()))), len(outcomes)
    layout = _NARROW if narrow else _WIDE
    across, down = (1, sources) if narrow else (sources, 1)
    size = ((0 if narrow else 4.2) + 4.2 * across, 0.9 * down + layout.height * claims * down)
    settings: Any = {"svg.hashsalt": "vistok", "svg.fonttype": "none", "font.size": 9, **_FONT}
    with sns.axes_style("whitegrid"), mpl.rc_context(settings):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        panels = figure.subplots(down, across, sharey=True, squeeze=False).ravel()
        for axes, (source, judged) in zip(panels, outcomes.items(), strict=True):
            _panel(axes, source, judged, layout)
        for axes in panels if narrow else panels[:1]:
            _label_claims(axes, next(iter(outcomes.values())), layout)
        _legend(figure)
        stream = StringIO()
        figure.savefig(stream, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return _renamed(stream.getvalue()) if narrow else stream.getvalue()


def _renamed(svg: str) -> str:
    """Returns an SVG with other ids, and other references to them."""
    return re.sub(r'(\bid="|href="#|url\(#)', r"\1narrow-", svg)


def _panel(axes: "Axes", source: str, outcomes: Sequence[Outcome], layout: _Layout) -> None:
    import pandas as pd
    import seaborn as sns

    points = pd.DataFrame(
        [
            {"y": row + offset, "low": d.low, "value": d.value, "high": d.high, "verdict": d.verdict}
            for row, outcome in enumerate(outcomes)
            for offset, d in _spread(outcome, layout)
        ],
        columns=["y", "low", "value", "high", "verdict"],
    )
    for verdict in VERDICTS[:3]:
        shown = points[points["verdict"] == verdict]
        alpha = 0.4 if verdict == "within noise" else 0.8
        axes.hlines(
            shown["y"], shown["low"], shown["high"], colors=_COLORS[verdict], linewidth=0.9, alpha=alpha
        )
    if not points.empty:
        sns.scatterplot(
            points, x="value", y="y", hue="verdict", hue_order=VERDICTS[:3], palette=_COLORS, s=9, linewidth=0,
            ax=axes, legend=False, zorder=3,
        )  # fmt: skip
    axes.axvline(0, color="#222222", linewidth=0.8)
    axes.set_xscale("symlog", linthresh=_LINEAR_POINTS, linscale=1.1)
    ticks = [-100, -20, -5, 0, 5, 20, 100]
    axes.set_xticks(ticks, [f"{tick:+d}" if tick else "0" for tick in ticks])
    axes.set_xlim(-150, 150)
    axes.set_title(f"{source} numbers", fontsize=10)
    axes.set_xlabel("← against the claim | points | for the claim →")
    axes.set_ylabel("")
    at, align = (1.01, "left") if layout is _WIDE else (1.0, "right")
    for row, outcome in enumerate(outcomes):
        axes.annotate(
            outcome.verdict, (at, row + layout.text), xycoords=("axes fraction", "data"), va="center", ha=align,
            color=_COLORS[outcome.verdict], fontsize=8, annotation_clip=False,
        )  # fmt: skip


def _spread(outcome: Outcome, layout: _Layout) -> list[tuple[float, Any]]:
    ordered = sorted(outcome.differences, key=lambda difference: (-difference.value, difference.label))
    reach = layout.band if len(ordered) > 1 else 0.0
    heights = np.linspace(layout.points - reach, layout.points + reach, len(ordered))
    return list(zip(heights.tolist(), ordered, strict=True))


def _label_claims(axes: "Axes", outcomes: Sequence[Outcome], layout: _Layout) -> None:
    texts = [f"{outcome.claim.id.replace('-', ' ')}  ({outcome.claim.section})" for outcome in outcomes]
    axes.set_yticks(range(len(texts)), texts if layout is _WIDE else [""] * len(texts), fontsize=8)
    axes.set_ylim(len(texts) - 0.4, -0.6)
    axes.yaxis.grid(False)
    for row, text in enumerate(texts):
        if layout is _NARROW:
            axes.annotate(
                text, (0.0, row + layout.text), xycoords=("axes fraction", "data"), va="center", fontsize=8
            )
        for panel in axes.figure.axes if layout is _WIDE and row % 2 == 0 else [axes] * (row % 2 == 0):
            panel.axhspan(row - 0.5, row + 0.5, color="#f3f3f3", zorder=0, linewidth=0)


def _legend(figure: Any) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=_COLORS[verdict], marker="o", markersize=4, linewidth=1, label=verdict)
        for verdict in VERDICTS[:3]
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False, fontsize=9)
