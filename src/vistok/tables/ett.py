"""Assembles a table of ETT: the paper's numbers, and ours or the reason why there is none."""

from collections.abc import Sequence
from typing import Final

from vistok.audit.findings import Finding
from vistok.errors import VistokError
from vistok.grid.ett import TABLES, EttTable
from vistok.grid.runs import Run
from vistok.grid.study import Study
from vistok.published.tables import PublishedTable
from vistok.tables.audited import with_audit
from vistok.tables.report import Origin, Row, TableReport
from vistok.tables.values import Cell, Column

COMMAND: Final = "snakemake ett_tables --cores 1"
TOKENIZER: Final = "ibq"
LLM: Final = "qwen-2-5"


def assemble_ett(
    study: Study, table: EttTable, published: PublishedTable, findings: Sequence[Finding]
) -> TableReport:
    """Returns one of ETT's tables.

    Args:
        study: at whose scale it is shown.
        table: as the grid declares it.
        published: the paper's table of its number.
        findings: what the audit finds in the published tables.

    Raises:
        VistokError: the grid names a label or a column that the paper's table has not, or as many rows as it has not.
    """
    _check(table, published)
    report = TableReport(
        id=table.id,
        number=table.number,
        caption=table.caption,
        results=study.results_id,
        labels=table.labels,
        main_label=table.labels.index(table.named_by),
        columns=tuple(
            Column(title, title, column.metric, "", {}, published.decimals(title))
            for title, column in table.columns.items()
        ),
        rows=tuple(_row(table, published, place) for place in range(len(table.rows))),
        baselines=(),
        origin=Origin(study.scale.id, study.split, study.models.scale.id, False, True, COMMAND),
        paper="ett",
    )
    return with_audit(report, published.row_ids, findings)


def _row(table: EttTable, published: PublishedTable, place: int) -> Row:
    run = Run(tokenizer=TOKENIZER, recipe=table.rows[place], llm=LLM, seed=0)
    return Row(
        labels=tuple(published.rows[place][label] for label in table.labels),
        subjects=(run,),
        cells=tuple(
            Cell(
                published.decimals(title),
                published=published.printed(place, title),
                left_out=column.waits_for,
            )
            for title, column in table.columns.items()
        ),
    )


def _check(table: EttTable, published: PublishedTable) -> None:
    where = f"{TABLES}, entry {table.id!r}"
    if strange := [label for label in (*table.labels, table.named_by) if label not in published.columns]:
        raise VistokError(
            f"{where}: {strange[0]!r} is not a column of the paper's Table {table.number}. Legal: "
            f"{', '.join(published.columns)}."
        )
    if strange := [title for title in table.columns if title not in published.numeric_columns]:
        raise VistokError(
            f"{where}: {strange[0]!r} is not a column of numbers of the paper's Table {table.number}. Legal: "
            f"{', '.join(published.numeric_columns)}."
        )
    if len(table.rows) != len(published.rows):
        raise VistokError(
            f"{where}: {len(table.rows)} rows are named, and the paper's Table {table.number} has "
            f"{len(published.rows)}: name our recipe of each."
        )
