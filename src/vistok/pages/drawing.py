"""Drawing of figures: the same bytes on every machine, whatever a user's settings."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Distinguishable for colour-blind readers and in greyscale print (seaborn's "colorblind").
OURS: Final = "#0173b2"
PUBLISHED: Final = "#de8f05"
BLIND: Final = "#8c3b2e"
SOFT: Final = "#5b6475"
PALETTE: Final = ("#0173b2", "#de8f05", "#029e73", "#cc78bc", "#ca9161", "#56b4e9", "#949494", "#d55e00")
_SETTINGS: Final[dict[str, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "vistok",
    "svg.fonttype": "path",
}


@contextmanager
def new_figure(width: float, height: float) -> Iterator["Figure"]:
    """Yields an empty figure of the given size in inches, with fixed settings."""
    from matplotlib import style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style.context(["default", _SETTINGS]):
        figure = Figure(figsize=(width, height), dpi=140, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def svg(figure: "Figure") -> str:
    """Returns a figure as SVG without a timestamp; to be called within its `new_figure`."""
    stream = io.StringIO()
    figure.savefig(
        stream,
        format="svg",
        bbox_inches="tight",
        metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")),
    )
    return stream.getvalue()


def png(figure: "Figure") -> bytes:
    """Returns a figure as PNG, likewise."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", bbox_inches="tight", metadata={"Software": None})
    return stream.getvalue()
