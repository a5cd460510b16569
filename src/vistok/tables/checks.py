"""Refuses a table of the grid that does not match the paper's."""

from pathlib import Path

from vistok.errors import VistokError, unknown
from vistok.evaluation.kinds import task_kind
from vistok.grid.entries import GRID
from vistok.grid.study import Study
from vistok.grid.tables import AnyRow, Column, Table
from vistok.published.tables import NUMBERS, PUBLISHED, PublishedTable, read_published


def check_tables(study: Study, folder: Path = PUBLISHED) -> None:
    """Refuses a table of the grid that does not match the paper's, before anything is built for it.

    Raises:
        VistokError: a label, column or row is none of the paper's table, or there is no such table.
    """
    for table in (*study.tables.values(), *study.apart.values()):
        check_table(study, table, read_published(folder, table.number))


def check_table(study: Study, table: Table, published: PublishedTable) -> None:
    """Refuses a table as `check_tables` does, given the paper's table of its number."""
    labels = [label for label in table.labels if label not in published.columns]
    if labels:
        raise VistokError(
            f"{GRID / 'tables.yaml'}, entry {table.id!r}: labels {labels} are not columns of the paper's "
            f"Table {table.number}. Legal: {', '.join(published.columns)}."
        )
    for column in table.columns:
        if column.published is None:
            _check_own(study, table, column, published)
        elif column.published not in published.numeric_columns:
            raise VistokError(
                f"{GRID / 'tables.yaml'}, entry {table.id!r}: a column points to {column.published!r}, which is not a "
                f"column of numbers of the paper's Table {table.number}. Legal: {', '.join(published.numeric_columns)}."
            )
        _check_part(study, table, column)
    for row in table.rows:
        _check_row(table, row, published)


def _check_row(table: Table, row: AnyRow, published: PublishedTable) -> None:
    where = f"{GRID / 'tables.yaml'}, entry {table.id!r}: a row points to"
    if row.published_in is not None and row.published_in not in NUMBERS:
        raise VistokError(
            f"{where} Table {row.published_in} of the paper. Legal: {', '.join(map(str, NUMBERS))}."
        )
    source = printed_in(row, published)
    if row.published is not None and row.published > len(source.rows):
        raise VistokError(
            f"{where} row {row.published} of the paper's Table {source.number}. Legal: 1..{len(source.rows)}, or no "
            "`published` for a row of your own."
        )
    titles = [column.published for column in table.columns if column.published is not None]
    if absent := [title for title in titles if title not in source.numeric_columns]:
        raise VistokError(
            f"{where} the paper's Table {source.number}, which has no column of numbers {absent[0]!r}. Legal: "
            f"{', '.join(source.numeric_columns)}."
        )


def _check_own(study: Study, table: Table, column: Column, published: PublishedTable) -> None:
    if (label := study.task(column.task).label) in published.columns:
        raise VistokError(
            f"{GRID / 'tables.yaml'}, entry {table.id!r}: the column of {column.task!r} has no `published` and would "
            f"be headed {label!r}, as one of the paper's Table {table.number} is. Give it `published`, or its task "
            "another label."
        )


def _check_part(study: Study, table: Table, column: Column) -> None:
    kind = study.task(column.task).kind
    if column.part is not None and column.part not in (legal := task_kind(kind).types):
        raise VistokError(
            f"{GRID / 'tables.yaml'}, entry {table.id!r}: {unknown(f'type of {kind} questions', column.part, legal)}"
        )


def printed_in(row: AnyRow, published: PublishedTable) -> PublishedTable:
    """Returns the paper's table that prints a row."""
    other = row.published_in not in (None, published.number)
    return read_published(PUBLISHED, int(row.published_in or 0)) if other else published
