"""Renders one table: published, ours, difference, interval and blind baselines, in four formats."""

from vistok.audit.checks import table_findings
from vistok.files import write_text
from vistok.grid.paths import TABLE_FORMATS, Paths
from vistok.grid.study import Study
from vistok.pages.table import render_table
from vistok.published.tables import PUBLISHED, read_all_published
from vistok.tables.assemble import assemble


def run(study: Study, table: str) -> None:
    """Writes `paper_tables/<results>/<table>.{csv,md,tex,html}`, each written whole or not at all.

    Raises:
        VistokError: a metrics.json of a cell or of a blind baseline is missing or wrong, or the table does
            not fit the published one.
    """
    published = read_all_published(PUBLISHED)
    report = assemble(study, table, published[study.table(table).number], table_findings(published))
    for suffix, text in {suffix: render_table(report, suffix) for suffix in TABLE_FORMATS}.items():
        write_text(Paths(study).table(table, suffix), text)
