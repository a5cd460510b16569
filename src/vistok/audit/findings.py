"""What a check returns: one finding, with an anchor to cite it by."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["wrong", "doubtful", "note", "clean"]
Group = Literal["tables", "claims", "benchmark", "ours"]
Scalar = str | int | float | None
MEANING = {
    "wrong": "the printed number, text or file is not what it says; a claim: contradicted",
    "doubtful": "the number cannot bear what is concluded from it; a claim: within noise",
    "note": "nothing wrong; the reader should know; a claim: not measured",
    "clean": "checked, nothing found; a claim: holds",
}


@dataclass(frozen=True, slots=True)
class PublishedCells:
    """Cells of one of the paper's tables: of some columns, in the row with an id or (None) in all rows."""

    table: int
    columns: tuple[str, ...]
    row: str | None = None


@dataclass(frozen=True)
class Finding:
    """One check's result.

    Attributes:
        anchor: stable id, e.g. `average-table-5-llava`.
        tested: what was tested, in one sentence.
        facts: the numbers that the finding rests on, by name.
        rows: the same, as a table, where there is more than one line of them.
        surprise: how surprising this is by chance: a p-value or an interval, or why there is none.
        meaning: what it means for the tables.
        about: the published cells that are worth less for it, beside which tables name it.
    """

    anchor: str
    group: Group
    verdict: Verdict
    title: str
    tested: str
    surprise: str
    meaning: str
    facts: Mapping[str, Scalar] = field(default_factory=dict)
    rows: tuple[Mapping[str, Scalar], ...] = ()
    about: tuple[PublishedCells, ...] = ()


def slug(text: str) -> str:
    """Returns text as it may stand in an anchor."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def p_text(p_value: float) -> str:
    """Returns a p-value as a reader wants it: 'p = 0.038', 'p = 2.6e-13'."""
    if p_value >= 0.001:
        return f"p = {p_value:.3f}".rstrip("0").rstrip(".")
    return "p < 1e-300" if p_value < 1e-300 else f"p = {p_value:.1e}"
