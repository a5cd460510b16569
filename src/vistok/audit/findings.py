"""The result of a check: one finding in numbers, with an anchor to cite it by."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["wrong", "doubtful", "note", "clean"]
Group = Literal["tables", "claims", "benchmark", "ours"]
Scalar = str | int | float | None


@dataclass(frozen=True, slots=True)
class PublishedCells:
    """Cells of one of the paper's tables: of some columns, in the row with an id or (None) in all rows."""

    table: int
    columns: tuple[str, ...]
    row: str | None = None


@dataclass(frozen=True)
class Finding:
    """One check's result in numbers; `vistok.pages.wording` puts it into sentences.

    Attributes:
        kind: of check; names the template of its sentences.
        anchor: stable id, e.g. `average-table-5-llava`.
        facts: the numbers that the finding rests on, by name.
        rows: the same, as a table, where there is more than one line of them.
        details: further values for the sentences, by name.
        about: the published cells that it casts doubt on; tables mark them.
    """

    kind: str
    anchor: str
    group: Group
    verdict: Verdict
    facts: Mapping[str, Scalar] = field(default_factory=dict)
    rows: tuple[Mapping[str, Scalar], ...] = ()
    details: Mapping[str, object] = field(default_factory=dict)
    about: tuple[PublishedCells, ...] = ()


def slug(text: str) -> str:
    """Returns text in a form fit for an anchor."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
