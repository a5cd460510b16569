"""Whether the ranking of tokenizers survives the recipe, in words."""

from dataclasses import dataclass

from vistok.evaluation.rankings import Agreement
from vistok.tables.rankings import rankings
from vistok.tables.report import TableReport
from vistok.tables.values import MINUS, number


@dataclass(frozen=True, slots=True)
class RankingInWords:
    """A recipe, how many rows it shares with the base, and what each column says of their order."""

    recipe: str
    rows: int
    columns: tuple[str, ...]


def rankings_in_words(report: TableReport) -> list[RankingInWords]:
    """Returns each recipe of a table with a base, but for the base."""
    return [
        RankingInWords(entry.recipe, entry.rows, tuple(map(_text, entry.columns)))
        for entry in rankings(report)
    ]


def _text(found: Agreement | None) -> str:
    if found is None or found.value is None:
        return "-"
    told = number(found.value, 2)
    if found.low is not None and found.high is not None:
        told += f" [{number(found.low, 2)}, {number(found.high, 2)}]"
    return told.replace("-", MINUS)
