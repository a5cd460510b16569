"""Figures 3 and 4: where the resampler's heads look, and what two models answer about the same images."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vistok.pages.drawing import BLIND, OURS, PALETTE, SOFT, new_figure, png, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

RIGHT = "#01603f"


@dataclass(frozen=True, slots=True)
class Looks:
    """Where one run looks.

    Attributes:
        name: the run's, as figures print it.
        maps: (images, 2, height, width) attention of two heads of one query over the image.
        divergence: of an image's heads, the mean over many images, in bits.
        low, high: its 95 % interval over images; None where there are too few.
        values: of each image.
    """

    name: str
    maps: "NDArray[Any]"
    divergence: float
    low: float | None
    high: float | None
    values: "NDArray[Any]"


def draw_attention(
    images: Sequence[Any], looks: Sequence[Looks], query: int, heads: Sequence[int]
) -> tuple[str, bytes]:
    """Returns Figure 3 as SVG and PNG: an image a line, two heads a run, and beside it how unlike all heads are."""
    columns = 1 + 2 * len(looks)
    with new_figure(1.55 * columns + 3.2, 1.55 * len(images) + 0.7) as figure:
        halves: Any = figure.subfigures(1, 2, width_ratios=(1.55 * columns, 3.2))
        left, right = halves
        panels = left.subplots(len(images), columns, squeeze=False)
        for line, image in enumerate(images):
            _picture(panels[line][0], image)
            for index, look in enumerate(looks):
                for head in range(2):
                    _map(panels[line][1 + 2 * index + head], image, look.maps[line][head])
        panels[0][0].set_title("image", fontsize=8)
        for index, look in enumerate(looks):
            for head in range(2):
                title = f"{look.name}\nquery {query}, head {heads[head]}"
                panels[0][1 + 2 * index + head].set_title(title, fontsize=7.5)
        _divergences(right.subplots(), looks)
        return svg(figure), png(figure)


def _picture(axes: "Axes", image: Any) -> None:
    axes.imshow(image)
    axes.axis("off")


def _map(axes: "Axes", image: Any, weights: Any) -> None:
    _picture(axes, image)
    height, width = image.shape[:2]
    axes.imshow(
        weights,
        cmap="viridis",
        alpha=0.7,
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        interpolation="bilinear",
    )


def _divergences(axes: "Axes", looks: Sequence[Looks]) -> None:
    for index, look in enumerate(looks):
        colour = PALETTE[index]
        axes.scatter([index] * len(look.values), look.values, s=5, color=colour, alpha=0.25, linewidths=0)
        if look.low is not None and look.high is not None:
            axes.vlines(index + 0.18, look.low, look.high, color=colour, linewidth=2)
        axes.plot(index + 0.18, look.divergence, "o", color=colour, markersize=5)
        axes.annotate(f"{look.divergence:.3f}", (index + 0.24, look.divergence), fontsize=8, va="center")
    axes.set_xticks(range(len(looks)), [look.name for look in looks], fontsize=8)
    axes.set_xlim(-0.4, len(looks) - 0.3)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("divergence of two heads (bits)", fontsize=8)
    axes.set_title(f"How unlike heads are, {len(looks[0].values)} images", fontsize=8.5, loc="left")


@dataclass(frozen=True, slots=True)
class ShownQuestion:
    """One question of Figure 4: its image, its words, what is right, and each model's answer with its verdict."""

    image: Any
    task: str
    question: str
    truth: str
    answers: tuple[tuple[str, str, bool | None], ...]


def draw_answers(shown: Sequence[ShownQuestion], across: int) -> tuple[str, bytes]:
    """Returns Figure 4 as SVG and PNG: `across` questions a line, with the truth and both answers under each."""
    down = -(-len(shown) // across)
    with new_figure(2.6 * across, 3.5 * down) as figure:
        panels = figure.subplots(down, across, squeeze=False).ravel()
        for axes, entry in zip(panels, shown, strict=False):
            _picture(axes, entry.image)
            axes.set_title(f"{entry.task}: {_folded(entry.question)}", fontsize=7.5, loc="left")
            lines = [(f"truth: {entry.truth}", SOFT)]
            lines += [
                (f"{name}: {_short(answer)} {_sign(right)}", _colour(right))
                for name, answer, right in entry.answers
            ]
            for index, (text, colour) in enumerate(lines):
                axes.annotate(
                    text,
                    (0, -0.04 - 0.085 * index),
                    xycoords="axes fraction",
                    fontsize=7.5,
                    color=colour,
                    va="top",
                )
        for axes in panels[len(shown) :]:
            axes.set_visible(False)
        return svg(figure), png(figure)


def _folded(text: str) -> str:
    return "\n".join(textwrap.wrap(text, 36))


def _short(text: str) -> str:
    return textwrap.shorten(text, 40, placeholder="…") or "(nothing)"


def _sign(right: bool | None) -> str:
    return "" if right is None else "✓" if right else "✗"


def _colour(right: bool | None) -> str:
    return OURS if right is None else RIGHT if right else BLIND
