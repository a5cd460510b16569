"""Draws what the tokens of a table's tokenizers tell of annotated boxes, beside a floor and a ceiling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.pages.drawing import BLIND, OURS, PALETTE, SOFT, new_figure, svg
from vistok.probes.record import read_probe

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Kind = Literal["row", "floor", "ceiling"]
_MARKS: Final[Mapping[Kind, tuple[str, str, str]]] = {
    "row": ("o", OURS, "pretrained"),
    "floor": ("s", SOFT, "floor: the same encoder, untrained"),
    "ceiling": ("^", PALETTE[2], "ceiling: the true contents as tokens"),
}
_AMISS: Final = ("X", BLIND, "pretraining that adds no category, or has collapsed")
_PANELS: Final = {"linear": "category, linear reader (%)", "mlp": "category, perceptron (%)"}
_ROOM: Final = 0.28  # inches a line


@dataclass(frozen=True, slots=True)
class Probed:
    """One tokenizer's probes, one a seed, as its checkpoints keep them."""

    name: str
    kind: Kind
    records: tuple[Mapping[str, Any], ...]


def probed(study: Study, table: str) -> list[Probed]:
    """Returns the probes of the tokenizers that a scale pretrains for a table, a floor's last.

    Raises:
        VistokError: a checkpoint has no probe.
    """
    floors = set(study.scale.floors.values())
    records: dict[str, list[Mapping[str, Any]]] = {}
    for pretrained in study.pretrainings(study.runs(table)):
        records.setdefault(pretrained.tokenizer, []).append(read_probe(Paths(study).pretrained(pretrained)))
    entries = [
        Probed(name, "floor" if name in floors else "row", tuple(listed)) for name, listed in records.items()
    ]
    return sorted(entries, key=lambda entry: entry.kind == "floor")


def probes_figure(entries: Sequence[Probed], title: str) -> str:
    """Returns an SVG: a line a tokenizer; panels for readers, shares of variance and rank; bars are two errors."""
    shares = list(
        dict.fromkeys(name for entry in entries for record in entry.records for name in record["shares"])
    )
    panels = [
        *_PANELS.items(),
        *((f"shares.{name}", f"variance that is {name} (%)") for name in shares),
        ("rank", "directions of variance"),
    ]
    across = min(3, len(panels))
    down = -(-len(panels) // across)
    with new_figure(11, down * (0.75 + _ROOM * max(len(entries), 1)) + 0.9) as figure:
        figure.suptitle(title, fontsize=11, x=0.01, ha="left")
        axes = figure.subplots(down, across, sharey=True, squeeze=False).ravel()
        for index, panel in enumerate(axes):
            if index < len(panels):
                _panel(panel, entries, *panels[index])
            else:
                panel.set_visible(False)
        figure.legend(handles=_legend(), loc="outside lower left", ncols=2, frameon=False)
        return svg(figure)


def _panel(axes: "Axes", entries: Sequence[Probed], key: str, title: str) -> None:
    for height, entry in enumerate(entries):
        for record in entry.records:
            value, error = _number(record, key)
            if value is None:
                continue
            shape, colour, _ = _AMISS if entry.kind == "row" and record.get("amiss") else _MARKS[entry.kind]
            axes.hlines(height, value - 2 * error, value + 2 * error, color=colour, linewidth=1.6)
            axes.plot(value, height, shape, color=colour, markersize=5)
    axes.set_title(title, fontsize=9.5, loc="left")
    axes.set_ylim(len(entries) - 0.4, -0.6)
    axes.set_yticks(range(len(entries)), [entry.name for entry in entries])
    if key not in _PANELS:
        axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
    axes.grid(axis="both", color="#e3e6ec", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=2)


def _number(record: Mapping[str, Any], key: str) -> tuple[float | None, float]:
    """Returns a value of a record and its error; no value where it was not measured."""
    part, _, name = key.partition(".")
    value = record.get(part)
    value = value.get(name) if name and isinstance(value, dict) else value
    if isinstance(value, dict):
        return float(value["value"]), float(value["error"])
    return (None, 0.0) if value is None else (float(value), 0.0)


def _legend() -> list[object]:
    from matplotlib.lines import Line2D

    marks = (*_MARKS.values(), _AMISS)
    return [
        Line2D([], [], marker=shape, color=colour, linestyle="", label=label)
        for shape, colour, label in marks
    ]
