"""Renders the tables of ETT and their audit, and weighs its claims on the printed numbers and on our own."""

from typing import Any

from vistok.audit.claims import claim_findings
from vistok.audit.ett import ett_findings
from vistok.claims.evaluate import evaluate_claims
from vistok.claims.measured import published_cells, read_cells
from vistok.claims.values import read_claims
from vistok.files import write_json, write_text
from vistok.grid.ett import CLAIMS, GENERATION, PRINTED, RECONSTRUCTION, EttPaths, EttTable
from vistok.grid.ett_files import records
from vistok.grid.ett_scale import makes_ett, tables_of
from vistok.grid.paths import TABLE_FORMATS
from vistok.grid.study import Study
from vistok.pages.audit import write_findings
from vistok.pages.claims import write_claims
from vistok.pages.claims_figure import page_figures
from vistok.pages.table import render_table
from vistok.published.ett import read_ett
from vistok.published.tables import PublishedTable
from vistok.steps.weigh_claims import reported_cells
from vistok.tables.ett import assemble_ett, read_measured
from vistok.tables.ett_generation import assemble_generation
from vistok.tables.ett_reconstruction import assemble_reconstruction
from vistok.tables.report import TableReport


def run(study: Study) -> None:
    """Writes `paper_tables/<results>/ett/`: each table in four formats, claims.* and audit.*; and the claims' cells.

    Raises:
        VistokError: what was measured of the tokenizer is missing, or the grid's tables or claims of ETT do not fit the
            published ones.
    """
    paths, published, tables = EttPaths(study), read_ett(PRINTED), tables_of(study)
    own_columns = {table.number: table.columns for table in tables.values()}
    claims = read_claims(CLAIMS, published, own_columns)
    outcomes = evaluate_claims(claims.claims, published_cells(published, claims.questions))
    findings = (*ett_findings(published), *claim_findings(outcomes))
    cells = []
    for name, table in tables.items():
        measured = read_measured(study, table)
        report = assemble_ett(study, table, published[table.number], findings, measured)
        cells += _cells(table, report, published[table.number])
        _write(paths, name, report)
    made = records(study)
    painted, drawn = (path if path in made else None for path in (paths.reconstruction, paths.generation))
    _write(paths, RECONSTRUCTION, assemble_reconstruction(study, painted))
    _write(paths, GENERATION, assemble_generation(study, drawn))
    write_json(paths.cells, cells)
    ours = {study.results_id: read_cells(paths.cells)} if makes_ett(study) else {}
    write_claims(published, claims, ours, paths.pages, paper="ett")
    write_findings(findings, [], paths.pages, figures=page_figures({"published": outcomes}), paper="ett")


def _cells(table: EttTable, report: TableReport, published: PublishedTable) -> list[dict[str, Any]]:
    """Returns our cells of the paper's rows.

    A Fréchet distance has no interval: it is taken as it is, as the printed ones are.
    """
    ids = [published.row_ids[row.published - 1] if row.published else None for row in table.rows]
    exact = {title for title, column in table.columns.items() if column.reconstruction}
    return [
        cell | ({"low": cell["value"], "high": cell["value"]} if cell["column"] in exact else {})
        for cell in reported_cells(report, ids, table.columns)
    ]


def _write(paths: EttPaths, name: str, report: TableReport) -> None:
    for suffix in TABLE_FORMATS:
        write_text(paths.table(name, suffix), render_table(report, suffix, "../"))
