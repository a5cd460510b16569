"""Weighs the paper's claims on a scale's own cells, beside the numbers that the paper prints."""

from collections.abc import Collection, Sequence
from typing import Any

from vistok.claims.measured import read_cells, training_noise
from vistok.claims.values import CLAIMS, read_claims
from vistok.files import write_json
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.pages.claims import write_claims
from vistok.published.tables import PUBLISHED, read_all_published, read_published
from vistok.tables.assemble import assemble
from vistok.tables.report import TableReport
from vistok.tables.values import AVERAGE


def run(study: Study) -> None:
    """Writes `results/<results>/cells.json` and `paper_tables/<results>/claims.{md,html,json,svg}`.

    Raises:
        VistokError: a metrics.json of a cell is missing or wrong, or a claim names what no table has.
    """
    paths = Paths(study)
    cells = [cell for table in study.tables for cell in cells_of(study, table)]
    write_json(paths.cells, cells)
    published = read_all_published(PUBLISHED)
    claims = read_claims(CLAIMS, published)
    write_claims(published, claims, {study.results_id: read_cells(paths.cells)}, paths.tables)


def cells_of(study: Study, table: str) -> list[dict[str, Any]]:
    """Returns the cells of a table that the paper's table has too, each by its published row and column."""
    entry = study.table(table)
    published = read_published(PUBLISHED, entry.number)
    report = assemble(study, table, published)
    ids = [None if row.printed is None else published.row_ids[row.printed] for row in entry.rows]
    return reported_cells(
        report, ids, [column.title for column in report.columns if column.printed and column.task != AVERAGE]
    )


def reported_cells(
    report: TableReport, ids: Sequence[str | None], columns: Collection[str]
) -> list[dict[str, Any]]:
    """Returns the cells of a table as `vistok.claims.read_cells` reads them.

    Args:
        report: the table.
        ids: the published id of each of its rows; None of one that the paper does not have.
        columns: the titles of the columns to return.
    """
    trained = {
        column.title: [row.cells[index].seed_values for row in report.rows]
        for index, column in enumerate(report.columns)
    }
    return [
        {
            "table": report.number,
            "row": row,
            "column": column.title,
            "value": cell.ours,
            "low": cell.low,
            "high": cell.high,
            "seed_values": cell.seed_values,
            **_noise(training_noise(cell.seed_values, trained[column.title])),
        }
        for row, ours in zip(ids, report.rows, strict=True)
        if row is not None
        for column, cell in zip(report.columns, ours.cells, strict=True)
        if column.title in columns
    ]


def _noise(noise: tuple[float, int, bool]) -> dict[str, Any]:
    error, freedom, pooled = noise
    return {"training_error": round(error, 6), "training_freedom": freedom, "training_pooled": pooled}
