"""Renders the tables of ETT and their audit."""

from vistok.audit.claims import claim_findings
from vistok.audit.ett import ett_findings
from vistok.claims.evaluate import evaluate_claims
from vistok.claims.measured import published_cells
from vistok.claims.values import read_claims
from vistok.files import write_text
from vistok.grid.ett import CLAIMS, GENERATION, PRINTED, RECONSTRUCTION, EttPaths, read_tables
from vistok.grid.ett_scale import makes_ett
from vistok.grid.paths import TABLE_FORMATS
from vistok.grid.study import Study
from vistok.pages.audit import write_findings
from vistok.pages.claims_figure import page_figures
from vistok.pages.table import render_table
from vistok.published.ett import read_ett
from vistok.tables.ett import assemble_ett, read_measured
from vistok.tables.ett_generation import assemble_generation
from vistok.tables.ett_reconstruction import assemble_reconstruction
from vistok.tables.report import TableReport


def run(study: Study) -> None:
    """Writes `paper_tables/<results>/ett/`: each table in four formats, and audit.{md,html,json}.

    Raises:
        VistokError: what was measured of the tokenizer is missing, or the grid's tables or claims of ETT do not fit the
            published ones.
    """
    paths, published = EttPaths(study), read_ett(PRINTED)
    claims = read_claims(CLAIMS, published)
    outcomes = evaluate_claims(claims.claims, published_cells(published, claims.questions))
    findings = (*ett_findings(published), *claim_findings(outcomes))
    for name, table in read_tables().items():
        measured = read_measured(study, table)
        _write(paths, name, assemble_ett(study, table, published[table.number], findings, measured))
    made = makes_ett(study)
    _write(paths, RECONSTRUCTION, assemble_reconstruction(study, paths.reconstruction if made else None))
    _write(paths, GENERATION, assemble_generation(study, paths.generation if made else None))
    write_findings(findings, [], paths.pages, figures=page_figures({"published": outcomes}), paper="ett")


def _write(paths: EttPaths, name: str, report: TableReport) -> None:
    for suffix in TABLE_FORMATS:
        write_text(paths.table(name, suffix), render_table(report, suffix, "../"))
