"""What each row of a table is made of, in words: here, as published and counted, and as its authors state it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vistok.grid.originals import Stated
from vistok.tables.report import TableReport
from vistok.tables.sizes import Size, Sizes

COLUMNS: Final[Mapping[str, str]] = {
    "visual-tokens": "Visual tokens",
    "tokenizer": "Tokenizer, M",
    "connector": "Connector, M",
    "connector-trained": "of it trained, M",
    "llm": "Language model, M",
    "trained": "Trained in all, M",
    "total": "In all, M",
    "images": "Images of its training",
}
_KINDS: Final = ("here", "as published, counted", "as stated")
_NEAR: Final = 0.005


@dataclass(frozen=True, slots=True)
class SizeLine:
    """One line: a row's name on the first of its lines, what the line is about, and a text per column."""

    name: str
    kind: str
    texts: tuple[str, ...]


def sizes_in_words(report: TableReport) -> list[SizeLine]:
    """Returns the lines of each row of a table that lists the parts of its rows; none for any other."""
    lines = []
    for row, sizes in zip(report.rows, report.sizes, strict=bool(report.sizes)):
        stated = _stated(sizes) if sizes.stated else None
        counted = zip(_KINDS, (_counted(sizes.here), _counted(sizes.original), stated), strict=True)
        shown = [(kind, texts) for kind, texts in counted if texts]
        name = row.labels[report.main_label]
        lines += [SizeLine("" if at else name, kind, texts) for at, (kind, texts) in enumerate(shown)]
    return lines


def sources_in_words(report: TableReport) -> list[tuple[str, str, str, str, str]]:
    """Returns (row, column, number, source, why ours is another) of each number that is stated."""
    return [
        (
            row.labels[report.main_label],
            COLUMNS[entry.of],
            _plain(entry),
            entry.source,
            _differs(sizes, entry),
        )
        for row, sizes in zip(report.rows, report.sizes, strict=bool(report.sizes))
        for entry in sizes.stated
    ]


def millions(value: float) -> str:
    """Returns millions of parameters, with as many decimals as tell small ones apart."""
    return f"{value:,.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def is_near(counted: float, stated: float) -> bool:
    """Tells whether a count is within half a per cent of a number that is stated."""
    return abs(counted - stated) <= _NEAR * stated


def counted_of(size: Size, part: str) -> float:
    """Returns what is counted of a part."""
    return float(getattr(size, part.replace("-", "_")))


def _differs(sizes: Sizes, entry: Stated) -> str:
    return (
        entry.differs
        if sizes.original and not is_near(counted_of(sizes.original, entry.of), entry.value)
        else ""
    )


def _counted(size: Size | None) -> tuple[str, ...] | None:
    if size is None:
        return None
    parts = (size.tokenizer, size.connector, size.connector_trained, size.llm, size.trained, size.total)
    return (str(size.visual_tokens), *map(millions, parts), size.images)


def _stated(sizes: Sizes) -> tuple[str, ...]:
    texts: dict[str, str] = {entry.of: _plain(entry) for entry in sizes.stated}
    return tuple(texts.get(column, "-") for column in COLUMNS)


def _plain(entry: Stated) -> str:
    return f"{entry.value:,g}"
