"""Compares a scale's cells with the paper's: their differences, and whether the scale's tolerance allows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vistok.grid.paths import Paths
from vistok.grid.runs import Subject
from vistok.grid.study import Study
from vistok.grid.tables import AnyRow, Column, Table
from vistok.published.tables import PublishedTable, read_published
from vistok.tables.cells import mean
from vistok.tables.metrics import read_cell
from vistok.tables.values import within


@dataclass(frozen=True, slots=True)
class Compared:
    """One measured cell and the paper's, in points.

    Attributes:
        row: the id of the published row.
        tolerance: the greatest difference allowed; None if the scale does not aim at the published number.
    """

    table: int
    row: str
    column: str
    ours: float
    published: float
    tolerance: float | None

    @property
    def difference(self) -> float:
        return round(self.ours - self.published, 6)

    @property
    def agrees(self) -> bool | None:
        return within(self.ours, self.published, self.tolerance)

    def __str__(self) -> str:
        verdict = {None: "reported", True: "agrees", False: "TOO FAR"}[self.agrees]
        allowed = "" if self.tolerance is None else f" (at most {self.tolerance:g})"
        return (
            f"{verdict:8}  Table {self.table}, {self.row}, {self.column}: {self.ours:.1f}, published "
            f"{self.published:.1f}, {self.difference:+.1f}{allowed}"
        )


def compare(study: Study, published: Path) -> tuple[Compared, ...]:
    """Returns each cell that the paper prints and on which all seeds of its row have been scored.

    Args:
        study: whose results are read, if they are there.
        published: the folder of tableN.csv.

    Raises:
        VistokError: a metrics.json is wrong.
    """
    return tuple(
        compared
        for table in study.tables.values()
        for printed in [read_published(published, table.number)]
        for row in table.rows
        for column in table.columns
        if (compared := _compared(study, table, printed, row, column))
    )


def _compared(
    study: Study, table: Table, printed: PublishedTable, row: AnyRow, column: Column
) -> Compared | None:
    task = row.task_for(column.task)
    paper_value = (
        None
        if row.printed is None or column.published is None or task not in study.measured(table.id, row)
        else printed.value(row.printed, column.published)
    )
    ours = None if paper_value is None else _measured(study, row.subjects, task, column.part)
    if row.printed is None or column.published is None or paper_value is None or ours is None:
        return None
    tolerance = study.scale.published_tolerance.get(column.task)
    return Compared(
        table.number, printed.row_ids[row.printed], column.published, ours, paper_value, tolerance
    )


def _measured(study: Study, subjects: Sequence[Subject], task: str, part: str | None) -> float | None:
    """Returns the mean over seeds under the table's protocol; None where a seed, or every question, is missing."""
    if not all(Paths(study).metrics(subject, task).is_file() for subject in subjects):
        return None
    metrics = [read_cell(study, subject, task, part) for subject in subjects]
    protocol = study.task(task).protocol
    return (
        mean(cell.scores["answers"][protocol].value for cell in metrics)
        if all(c.n for c in metrics)
        else None
    )
