"""The forest plot of the claims: every difference with its interval, coloured by its verdict."""

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

from vistok.reporting.claims.evaluate import Outcome, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VERDICTS: tuple[Verdict, ...] = ("holds", "within noise", "contradicted", "not measured")
_COLORS: dict[Verdict, str] = {
    "holds": "#0173b2",
    "within noise": "#6b6b6b",
    "contradicted": "#c4500b",
    "not measured": "#8c8c8c",
}
# The font that matplotlib brings along, so that the layout is the same on every machine.
_FONT = {"font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"]}
_LINEAR_POINTS = 10
_BAND = 0.36


def forest_plot(outcomes: Mapping[str, Sequence[Outcome]]) -> str:
    """Returns an SVG with one panel a source of cells (`published`, a scale) and one row a claim.

    The axis is linear within 10 points and logarithmic beyond. The same outcomes give the same bytes.
    """
    import matplotlib as mpl
    import seaborn as sns
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    claims = len(next(iter(outcomes.values())))
    settings: Any = {"svg.hashsalt": "vistok", "svg.fonttype": "none", "font.size": 9, **_FONT}
    with sns.axes_style("whitegrid"), mpl.rc_context(settings):
        figure = Figure(figsize=(4.2 + 4.2 * len(outcomes), 0.9 + 0.27 * claims), layout="constrained")
        FigureCanvasSVG(figure)
        panels = figure.subplots(1, len(outcomes), sharey=True, squeeze=False)[0]
        for axes, (source, found) in zip(panels, outcomes.items(), strict=True):
            _panel(axes, source, found)
        _label_claims(panels[0], next(iter(outcomes.values())))
        _legend(figure)
        stream = StringIO()
        figure.savefig(stream, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return stream.getvalue()


def _panel(axes: "Axes", source: str, outcomes: Sequence[Outcome]) -> None:
    import pandas as pd
    import seaborn as sns

    points = pd.DataFrame(
        [
            {"y": place + offset, "low": d.low, "value": d.value, "high": d.high, "verdict": d.verdict}
            for place, outcome in enumerate(outcomes)
            for offset, d in _spread(outcome)
        ],
        columns=["y", "low", "value", "high", "verdict"],
    )
    for verdict in VERDICTS[:3]:
        found = points[points["verdict"] == verdict]
        alpha = 0.4 if verdict == "within noise" else 0.8
        axes.hlines(
            found["y"], found["low"], found["high"], colors=_COLORS[verdict], linewidth=0.9, alpha=alpha
        )
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
    for place, outcome in enumerate(outcomes):
        axes.annotate(
            outcome.verdict, (1.01, place), xycoords=("axes fraction", "data"), va="center",
            color=_COLORS[outcome.verdict], fontsize=8, annotation_clip=False,
        )  # fmt: skip


def _spread(outcome: Outcome) -> list[tuple[float, Any]]:
    ordered = sorted(outcome.differences, key=lambda difference: (-difference.value, difference.label))
    reach = _BAND if len(ordered) > 1 else 0.0
    return list(zip(np.linspace(-reach, reach, len(ordered)).tolist(), ordered, strict=True))


def _label_claims(axes: "Axes", outcomes: Sequence[Outcome]) -> None:
    claims = [outcome.claim for outcome in outcomes]
    axes.set_yticks(
        range(len(claims)),
        [f"{claim.id.replace('-', ' ')}  ({claim.section})" for claim in claims],
        fontsize=8,
    )
    axes.set_ylim(len(claims) - 0.4, -0.6)
    axes.yaxis.grid(False)
    for place in range(0, len(claims), 2):
        for panel in axes.figure.axes:
            panel.axhspan(place - 0.5, place + 0.5, color="#f3f3f3", zorder=0, linewidth=0)


def _legend(figure: Any) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=_COLORS[verdict], marker="o", markersize=4, linewidth=1, label=verdict)
        for verdict in VERDICTS[:3]
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False, fontsize=9)
