"""Draws the loss and the learning rate of every training behind a table."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.training.curves import read_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GROUPS = {
    "tokenizers": "Visual tokenizers: pretraining",
    "llms": "Language models: training on text",
    "mllms": "MLLMs: tuning by recipe",
}
_STYLES = ("-", "--", ":", "-.")
_PANEL_HEIGHT = 3.3
_LEGEND_LINE = 0.2
# On top of matplotlib's own defaults: a user's settings must not change the bytes.
_SETTINGS: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e6ec",
}


@dataclass(frozen=True, slots=True)
class Training:
    """The curves of one checkpoint; trainings of one `family` share a colour."""

    group: str
    name: str
    family: str
    style: int
    points: Sequence[Mapping[str, float]]


def trainings(study: Study, table: str) -> list[Training]:
    """Returns the trainings that a scale makes itself for a table, in the order of its rows.

    Raises:
        VistokError: a checkpoint has no curves.csv, or a wrong one.
    """
    paths, runs = Paths(study), study.runs(table)
    tokenizers = dict.fromkeys(run.pretrained for run in runs if study.pretrains(run.tokenizer))
    llms = _with_bases(study, dict.fromkeys(run.llm for run in runs)) if study.scale.language_model else []
    recipes = list(dict.fromkeys(run.recipe for run in runs))
    styles = sorted({(run.seed, recipes.index(run.recipe)) for run in runs})
    several_llms = len({run.llm for run in runs}) > 1
    seeds = sorted({run.seed for run in runs})
    drawn = [
        Training(
            "tokenizers",
            _named([entry.tokenizer], entry.seed, seeds),
            entry.tokenizer,
            seeds.index(entry.seed),
            read_curves(paths.pretrained(entry)),
        )
        for entry in tokenizers
    ]
    drawn += [Training("llms", name, name, 0, read_curves(paths.llm(name))) for name in llms]
    for run in runs:
        names = [run.tokenizer, run.recipe]
        names += [run.llm] if several_llms else []
        points = read_curves(paths.mllm(run))
        style = styles.index((run.seed, recipes.index(run.recipe)))
        drawn.append(Training("mllms", _named(names, run.seed, seeds), run.tokenizer, style, points))
    return drawn


def _named(names: Sequence[str], seed: int, seeds: Sequence[int]) -> str:
    """Returns a training's name, with its seed where there are several."""
    return ", ".join([*names, f"seed {seed}"] if len(seeds) > 1 else names)


def _with_bases(study: Study, llms: Mapping[str, None]) -> list[str]:
    names: dict[str, None] = {}
    for name in llms:
        base = study.llm(name).base
        names |= {base: None, name: None} if base else {name: None}
    return list(names)


def draw_curves(drawn: Sequence[Training], title: str) -> bytes:
    """Returns a PNG: one line of panels per group, loss on the left, learning rate on the right.

    The same trainings give the same bytes on one version of matplotlib.
    """
    from matplotlib import style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    groups = {name: [entry for entry in drawn if entry.group == name] for name in GROUPS}
    groups = {name: entries for name, entries in groups.items() if entries}
    heights = [max(_PANEL_HEIGHT, 0.5 + _LEGEND_LINE * len(entries)) for entries in groups.values()]
    with style.context(["default", _SETTINGS]):
        figure = Figure(figsize=(12, 0.5 + sum(heights)), dpi=120, layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(title, fontsize=13, x=0.01, ha="left")
        panels = figure.subplots(len(groups), 2, squeeze=False, height_ratios=heights)
        for (left, right), (name, entries) in zip(panels, groups.items(), strict=True):
            _draw_group(left, right, GROUPS[name], entries)
        written = io.BytesIO()
        figure.savefig(written, format="png", metadata={"Software": None})
    return written.getvalue()


def _draw_group(left: "Axes", right: "Axes", title: str, entries: Sequence[Training]) -> None:
    colours = _colours([entry.family for entry in entries])
    for entry in entries:
        steps = [point["step"] for point in entry.points]
        line = {
            "color": colours[entry.family],
            "linestyle": _STYLES[entry.style % len(_STYLES)],
            "linewidth": 1.4,
        }
        left.plot(steps, [point["loss"] for point in entry.points], label=entry.name, **line)
        right.plot(steps, [point["rate"] for point in entry.points], label=entry.name, **line)
    left.set(title=title, xlabel="step", ylabel="loss")
    if all(point["loss"] > 0 for entry in entries for point in entry.points):
        _logarithmic(left)
    right.set(title="Learning rate", xlabel="step")
    right.ticklabel_format(axis="y", style="sci", scilimits=(-3, 3))
    for panel in (left, right):
        panel.title.set(fontsize=11, ha="left", x=0.0)
        panel.set_xlim(left=0)
    right.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), frameon=False, fontsize=9, borderaxespad=0.0)


def _logarithmic(panel: "Axes") -> None:
    """Makes the loss axis logarithmic, labelled 0.2, 0.5, 1, 2, ... as people write them."""
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    panel.set_yscale("log")
    panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 3.0, 5.0)))
    panel.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    panel.yaxis.set_minor_locator(NullLocator())


def _colours(families: Sequence[str]) -> dict[str, Any]:
    from matplotlib import color_sequences, colormaps

    names = list(dict.fromkeys(families))
    if len(names) <= 10:
        return dict(zip(names, color_sequences["tab10"], strict=False))
    return {name: colormaps["turbo"](index / (len(names) - 1)) for index, name in enumerate(names)}
