"""Whether the ranking of a table's tokenizers survives its recipes, each held against the table's base."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vistok.evaluation.pairs import ByImage
from vistok.evaluation.rankings import Agreement, agreement_of_ranks
from vistok.grid.runs import Run
from vistok.tables.report import Row, TableReport
from vistok.tables.values import AVERAGE

Scored = Mapping[str, ByImage | None]


@dataclass(frozen=True, slots=True)
class Ranking:
    """How the ranking under a recipe agrees with that under the base, in each column but the average.

    `rows` is how many tokenizers both have.
    """

    recipe: str
    rows: int
    columns: tuple[Agreement | None, ...]


def rankings(report: TableReport) -> tuple[Ranking, ...]:
    """Returns one ranking for each recipe but the base; none where the table names no base."""
    if not report.base:
        return ()
    groups: dict[str, dict[str, Row]] = {}
    for row in report.rows:
        if isinstance(run := row.subjects[0], Run):
            groups.setdefault(run.recipe, {})[f"{run.tokenizer}/{run.llm}"] = row
    base = groups.pop(report.base, {})
    return tuple(_ranking(report, recipe, base, rows) for recipe, rows in groups.items())


def _ranking(report: TableReport, recipe: str, base: Mapping[str, Row], rows: Mapping[str, Row]) -> Ranking:
    shared = [name for name in base if name in rows]
    indices = [index for index, column in enumerate(report.columns) if column.task != AVERAGE]
    agreements = (
        _agreement([base[name] for name in shared], [rows[name] for name in shared], at) for at in indices
    )
    return Ranking(recipe, len(shared), tuple(agreements))


def _agreement(base: Sequence[Row], rows: Sequence[Row], index: int) -> Agreement | None:
    scored = [[row.cells[index].by_image for row in side] for side in (base, rows)]
    first, second = ([scores for scores in side if scores is not None] for side in scored)
    return agreement_of_ranks(first, second) if len(first) == len(second) == len(base) else None
