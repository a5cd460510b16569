"""A whole build as one value, for keeping: every cell with each training's value, and the significant pairs of rows."""

from typing import Any

from vistok.grid.study import Study
from vistok.published.tables import PUBLISHED, read_published
from vistok.tables.assemble import assemble
from vistok.tables.pairs import as_built, as_json, families, self_supervised, with_bounds
from vistok.tables.report import Row, TableReport
from vistok.tables.values import Cell


def kept_table(study: Study, table: str) -> dict[str, Any]:
    """Returns a table with the rows of its floors and ceilings, each row with the seeds that it was scored with.

    Raises:
        VistokError: a metrics.json is missing or wrong.
    """
    built = as_built(with_bounds(study, table), table)
    report = assemble(built, table, read_published(PUBLISHED, study.table(table).number))
    compared = (
        *families(report.rows, report.columns),
        *self_supervised(built, report.rows, report.columns),
    )
    return {
        "columns": [
            {
                "title": column.title,
                "task": column.asks,
                "measure": column.measure,
                "n": column.n,
                "decimals": column.decimals,
            }
            for column in report.columns
        ],
        "rows": [_row(report, row) for row in report.rows],
        "blind": {
            baseline.name: {
                column.title: value for column, value in zip(report.columns, baseline.values, strict=True)
            }
            for baseline in report.baselines
        },
        "told_apart": {entry.name: as_json(entry) for entry in compared},
    }


def _row(report: TableReport, row: Row) -> dict[str, Any]:
    cells = {column.title: _cell(cell) for column, cell in zip(report.columns, row.cells, strict=True)}
    return {"row": row.path, "seeds": list(row.seeds), "cells": cells}


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "mean": cell.ours,
        "spread": cell.spread,
        "by_seed": list(cell.seed_values),
        "low": cell.low,
        "high": cell.high,
    }
