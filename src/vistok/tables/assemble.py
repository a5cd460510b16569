"""Assembles a table: our cells next to the paper's, with intervals, ranks and blind baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from vistok.audit.findings import Finding
from vistok.evaluation.kind import CONSTANT, PRIOR
from vistok.evaluation.kinds import task_kind
from vistok.grid.labels import labels_of
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.grid.tables import AnyRow, ReleasedRow, Table
from vistok.grid.tables import Row as GridRow
from vistok.published.tables import PublishedTable
from vistok.tables.audited import with_audit
from vistok.tables.cells import VIEWER, average, baseline, cell_of
from vistok.tables.checks import check_table, printed_in
from vistok.tables.metrics import Metrics, baseline_titles, read_baselines, read_cell, rebuild_command
from vistok.tables.ranks import ranked
from vistok.tables.report import Origin, Row, TableReport
from vistok.tables.row_notes import even, measured_cause, otherwise, shortfall, substitute, with_marks
from vistok.tables.shares import with_shares
from vistok.tables.sizes import sizes_of
from vistok.tables.values import AVERAGE, Cell, Column


def assemble(
    study: Study, table: str, published: PublishedTable, findings: Sequence[Finding] = ()
) -> TableReport:
    """Returns a table with all that is read from its runs' metrics.json files.

    Args:
        study: whose questions were answered.
        table: the table's id.
        published: the paper's table of the same number.
        findings: what the audit finds in the published tables.

    Raises:
        VistokError: a metrics.json is missing or wrong, or the grid names a row or column that the paper's
            table has not.
    """
    entry = study.table(table)
    check_table(study, entry, published)
    columns = _columns(study, entry, published)
    tasks = [column.task for column in columns if column.task != AVERAGE]
    llms = study.answering_llms(table)
    blind = {
        column.asks: read_baselines(study, column.task, llms, column.part)
        for column in columns
        if column.task != AVERAGE
    }
    columns = tuple(
        replace(column, n=blind[column.asks].n, of=blind[column.asks].of) if column.asks in blind else column
        for column in columns
    )
    titles = baseline_titles(study, tasks, llms)
    rows = [_row(study, row, entry, columns, published, blind) for row in entry.rows]
    bounds = [_bound(study, row, entry, columns, published, blind) for row in study.bounds(table)]
    rows = _on_the_way(study, entry, rows, bounds)
    report = TableReport(
        id=entry.id,
        number=entry.number,
        caption=entry.caption,
        results=study.results_id,
        labels=tuple(entry.labels),
        main_label=[*entry.labels].index(entry.named_by),
        columns=columns,
        rows=with_marks(ranked(rows)),
        baselines=tuple(
            made
            for name, title in titles.items()
            if any((made := baseline(name, title, columns, blind)).protocols) or not name.startswith(VIEWER)
        ),
        origin=_origin(study, entry),
        bounds=tuple(bounds),
        base=entry.base or "",
        sizes=tuple(sizes_of(study, row) for row in entry.rows) if entry.sizes else (),
    )
    row_ids = [None if row.printed is None else published.row_ids[row.printed] for row in entry.rows]
    return with_audit(report, row_ids, findings)


def _on_the_way(study: Study, table: Table, rows: Sequence[Row], bounds: Sequence[Row]) -> list[Row]:
    """Returns the rows with the shares of the way that their cells are, where they have a floor and a ceiling."""
    of = {row.path: row for row in (*rows, *bounds)}
    shown = []
    for entry, row in zip(table.rows, rows, strict=True):
        made = entry if isinstance(entry, GridRow) and study.answers(entry) else None
        floor, ceiling = study.bounds_of(made) if made else (None, None)
        if floor and ceiling:
            cells = with_shares(row.cells, of[floor.path].cells, of[ceiling.path].cells)
            row = replace(row, cells=cells)
        shown.append(row)
    return shown


def _origin(study: Study, table: Table) -> Origin:
    own = study.models_study.scale
    answered = next((row for row in table.rows if study.answers(row)), table.rows[0])
    first = Paths(study).metrics(answered.subjects[0], table.columns[0].task)
    return Origin(
        scale=study.scale.id,
        split=study.split,
        models=own.id,
        small=bool(own.encoders or own.language_model),
        drawn=study.scale.world is not None,
        command=rebuild_command(study, first),
    )


def _columns(study: Study, table: Table, published: PublishedTable) -> tuple[Column, ...]:
    def decimals(title: str) -> int:
        return max(1, published.decimals(title)) if title in published.columns else 1

    columns = []
    for column in table.columns:
        task = study.task(column.task)
        title = column.published or task.label
        kind = task_kind(task.kind)
        protocols = {name: kind.protocols[name] for name in (task.protocol, *task.protocols)}
        others = [name for name in kind.baselines if name not in (CONSTANT, PRIOR)]
        shown = Column(task.id, title, task.metric, task.protocol, protocols, decimals(title))
        stand_in = ", ".join(kind.baselines[name] for name in others)
        printed = title in published.columns
        columns.append(replace(shown, part=column.part, stand_in=stand_in, printed=printed))
    complete = {column.title for column in columns if column.printed} == set(published.score_columns)
    if published.average in published.columns and complete:
        columns.append(Column(AVERAGE, published.average, "mean", "", {}, decimals(published.average)))
    return tuple(columns)


def _row(
    study: Study,
    row: AnyRow,
    table: Table,
    columns: tuple[Column, ...],
    published: PublishedTable,
    blind: Mapping[str, Metrics],
) -> Row:
    cells: list[Cell] = []
    source = printed_in(row, published)
    for column in columns:
        if column.task == AVERAGE:
            cell = average([cell for cell, of in zip(cells, columns, strict=False) if of.printed], column)
        elif row.task_for(column.task) not in study.measured(table.id, row):
            cell = Cell(
                column.decimals, left_out=row.not_measured.get(column.task) or study.unanswered(row) or ""
            )
        else:
            task = row.task_for(column.task)
            metrics = [read_cell(study, subject, task, column.part) for subject in row.subjects]
            cell = cell_of(metrics, column, blind[column.asks])
        printed = None
        if row.published is not None and column.title in source.columns:
            printed = source.printed(row.published - 1, column.title)
        tolerance = study.scale.published_tolerance.get(column.task)
        dash = row.published is not None and column.printed and printed is None
        alone = dash and cell.ours is not None
        cells.append(replace(cell, published=printed, tolerance=tolerance, alone=alone))
    return Row(
        labels=_labels(study, row, table, published),
        subjects=row.subjects,
        cells=tuple(cells),
        substitute=substitute(study, row),
        shortfall=shortfall(study, row),
        measured_cause=measured_cause(study, row),
        otherwise=otherwise(study, row) if study.answers(row) else None,
        evenly=bool(row.instead),
        even=even(study, row),
    )


def _bound(
    study: Study,
    row: GridRow,
    table: Table,
    columns: tuple[Column, ...],
    published: PublishedTable,
    blind: Mapping[str, Metrics],
) -> Row:
    made = _row(study, row, table, columns, published, blind)
    return replace(made, labels=_bound_labels(study, row, table, made.labels))


def _labels(study: Study, row: AnyRow, table: Table, published: PublishedTable) -> tuple[str, ...]:
    if row.printed is not None:
        labels = {label: published.rows[row.printed][label] for label in table.labels}
        if isinstance(row, ReleasedRow):  # there may be several that stand beside one
            labels[table.named_by] = study.released_model(row.model).label
    else:
        labels = dict(zip(table.labels, labels_of(study, table, row), strict=True))
    if row.label:
        labels[table.named_by] = row.label
    return tuple(labels.values())


def _bound_labels(study: Study, row: GridRow, table: Table, labels: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the labels of a floor or a ceiling, whose tokenizer is named where the table's labels name none."""
    if any((source or "").startswith("tokenizer.") for source in table.labels.values()):
        return labels
    named = (
        f"{study.tokenizer(row.tokenizer).label}: {labels[index := [*table.labels].index(table.named_by)]}"
    )
    return (*labels[:index], named, *labels[index + 1 :])
