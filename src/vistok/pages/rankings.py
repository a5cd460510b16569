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


def _text(agreement: Agreement | None) -> str:
    if agreement is None or agreement.value is None:
        return "-"
    text = number(agreement.value, 2)
    if agreement.low is not None and agreement.high is not None:
        text += f" [{number(agreement.low, 2)}, {number(agreement.high, 2)}]"
    return text.replace("-", MINUS)
