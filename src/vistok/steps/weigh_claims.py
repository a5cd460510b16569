"""Weighs the paper's claims on a scale's own cells, beside the numbers that the paper prints."""

import math
from typing import Any

from vistok.claims.measured import read_cells, spread_of_seeds
from vistok.claims.values import CLAIMS
from vistok.files import write_json
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.pages.claims import write_claims
from vistok.published.tables import PUBLISHED, read_published
from vistok.tables.assemble import assemble
from vistok.tables.values import AVERAGE


def run(study: Study) -> None:
    """Writes `results/<results>/cells.json` and `paper_tables/<results>/claims.{md,html,json,svg}`.

    Raises:
        VistokError: a metrics.json of a cell is missing or wrong, or a claim names what no table has.
    """
    paths = Paths(study)
    cells = [cell for table in study.tables for cell in cells_of(study, table)]
    write_json(paths.cells, cells)
    write_claims(PUBLISHED, CLAIMS, {study.results_id: read_cells(paths.cells)}, paths.tables)


def cells_of(study: Study, table: str) -> list[dict[str, Any]]:
    """Returns the cells of a table that the paper's table has too, each by its published row and column."""
    entry = study.table(table)
    published = read_published(PUBLISHED, entry.number)
    report = assemble(study, table, published)
    noise = {  # column -> the standard deviation of a seed, and its degrees of freedom
        column.title: spread_of_seeds([row.cells[place].seed_values for row in report.rows])
        for place, column in enumerate(report.columns)
    }
    return [
        {
            "table": entry.number,
            "row": published.row_ids[row.published - 1],
            "column": column.title,
            "value": cell.ours,
            "low": cell.low,
            "high": cell.high,
            "training_error": round(noise[column.title][0] / math.sqrt(len(ours.subjects)), 6),
            "training_freedom": noise[column.title][1],
        }
        for row, ours in zip(entry.rows, report.rows, strict=True)
        if row.published is not None
        for column, cell in zip(report.columns, ours.cells, strict=True)
        if column.task != AVERAGE
    ]
