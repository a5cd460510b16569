"""Assembles a table: our cells next to the paper's, with intervals, ranks and blind baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vistok.audit.findings import Finding
from vistok.errors import VistokError, unknown
from vistok.evaluation.kind import CONSTANT, PRIOR
from vistok.evaluation.kinds import task_kind
from vistok.grid.labels import labels_of
from vistok.grid.paths import Paths
from vistok.grid.runs import Released
from vistok.grid.study import GRID, Study
from vistok.grid.tables import AnyRow, ReleasedRow, Table
from vistok.grid.tables import Column as GridColumn
from vistok.grid.tables import Row as GridRow
from vistok.probes.record import read_probe
from vistok.published.tables import NUMBERS, PUBLISHED, PublishedTable, read_published
from vistok.tables.audited import with_audit
from vistok.tables.cells import VIEWER, average, baseline, cell_of
from vistok.tables.metrics import Metrics, baseline_titles, read_baselines, read_cell, rebuild_command
from vistok.tables.shares import with_shares
from vistok.tables.sizes import sizes_of
from vistok.tables.values import (
    AVERAGE,
    Cell,
    Column,
    Origin,
    Otherwise,
    Row,
    Shortfall,
    Substitute,
    TableReport,
)


def check_tables(study: Study, folder: Path = PUBLISHED) -> None:
    """Refuses a table of the grid that does not match the paper's, before anything is built for it.

    Raises:
        VistokError: a label, column or row is none of the paper's table, or there is no such table.
    """
    for table in (*study.tables.values(), *study.apart.values()):
        _check(study, table, read_published(folder, table.number))


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
    _check(study, entry, published)
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
        rows=_marked(_ranked(rows)),
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
    found = []
    for entry, row in zip(table.rows, rows, strict=True):
        made = entry if isinstance(entry, GridRow) and study.answers(entry) else None
        floor, ceiling = study.bounds_of(made) if made else (None, None)
        if floor and ceiling:
            cells = with_shares(row.cells, of[floor.path].cells, of[ceiling.path].cells)
            row = replace(row, cells=cells)
        found.append(row)
    return found


def _origin(study: Study, table: Table) -> Origin:
    own = study.models.scale
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


def _check(study: Study, table: Table, published: PublishedTable) -> None:
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
    source = _source(row, published)
    if row.published is not None and row.published > len(source.rows):
        raise VistokError(
            f"{where} row {row.published} of the paper's Table {source.number}. Legal: 1..{len(source.rows)}, or no "
            "`published` for a row of your own."
        )
    asked = [column.published for column in table.columns if column.published is not None]
    if absent := [title for title in asked if title not in source.numeric_columns]:
        raise VistokError(
            f"{where} the paper's Table {source.number}, which has no column of numbers {absent[0]!r}. Legal: "
            f"{', '.join(source.numeric_columns)}."
        )


def _source(row: AnyRow, published: PublishedTable) -> PublishedTable:
    """Returns the paper's table that prints a row."""
    other = row.published_in not in (None, published.number)
    return read_published(PUBLISHED, int(row.published_in or 0)) if other else published


def _check_own(study: Study, table: Table, column: GridColumn, published: PublishedTable) -> None:
    if (label := study.task(column.task).label) in published.columns:
        raise VistokError(
            f"{GRID / 'tables.yaml'}, entry {table.id!r}: the column of {column.task!r} has no `published` and would "
            f"be headed {label!r}, as one of the paper's Table {table.number} is. Give it `published`, or its task "
            "another label."
        )


def _check_part(study: Study, table: Table, column: GridColumn) -> None:
    kind = study.task(column.task).kind
    if column.part is not None and column.part not in (legal := task_kind(kind).types):
        raise VistokError(
            f"{GRID / 'tables.yaml'}, entry {table.id!r}: {unknown(f'type of {kind} questions', column.part, legal)}"
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
    whole = {column.title for column in columns if column.printed} == set(published.score_columns)
    if published.average in published.columns and whole:
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
    source = _source(row, published)
    for column in columns:
        if column.task == AVERAGE:
            cell = average([cell for cell, of in zip(cells, columns, strict=False) if of.printed], column)
        elif column.task not in study.measured(table.id, row):
            cell = Cell(
                column.decimals, left_out=row.not_measured.get(column.task) or study.unanswered(row) or ""
            )
        else:
            metrics = [read_cell(study, subject, column.task, column.part) for subject in row.subjects]
            cell = cell_of(metrics, column, blind[column.asks])
        printed = None
        if row.published is not None and column.title in source.columns:
            printed = source.printed(row.published - 1, column.title)
        tolerance = study.scale.published_tolerance.get(column.task)
        cells.append(replace(cell, published=printed, tolerance=tolerance))
    return Row(
        labels=_labels(study, row, table, published),
        subjects=row.subjects,
        cells=tuple(cells),
        substitute=_substitute(study, row),
        shortfall=_shortfall(study, row),
        measured_cause=_measured_cause(study, row),
        otherwise=_otherwise(study, row) if study.answers(row) else None,
        even=_even(study, row),
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
        return tuple(labels.values())
    return labels_of(study, table, row)


def _bound_labels(study: Study, row: GridRow, table: Table, labels: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the labels of a floor or a ceiling, whose tokenizer is named where the table's labels name none."""
    if any((source or "").startswith("tokenizer.") for source in table.labels.values()):
        return labels
    named = (
        f"{study.tokenizer(row.tokenizer).label}: {labels[place := [*table.labels].index(table.named_by)]}"
    )
    return (*labels[:place], named, *labels[place + 1 :])


def _measured_cause(study: Study, row: AnyRow) -> str:
    """Returns why the pretraining of a row's tokenizer taught it nothing, if its entry says so."""
    if isinstance(row, ReleasedRow) or not study.models.pretrains(row.tokenizer):
        return ""
    return " ".join((study.tokenizer(row.tokenizer).measured_cause or "").split())


def _substitute(study: Study, row: AnyRow) -> Substitute | None:
    own = ""
    if isinstance(row, ReleasedRow):
        text = study.released_model(row.model).substitute
    else:
        text = study.tokenizer(row.tokenizer).substitute
        own = study.models.scale.id if text and study.models.pretrains(row.tokenizer) else ""
    return Substitute(" ".join(text.split()), own) if text else None


def _even(study: Study, row: AnyRow) -> str:
    name = study.released_model(row.model).even if isinstance(row, ReleasedRow) else None
    return Released(model=name).path if name else ""


def _otherwise(study: Study, row: AnyRow) -> Otherwise | None:
    """Returns what another group's model is made of otherwise than the published one; None of any other row."""
    if not isinstance(row, GridRow) or not row.own_models:
        return None
    recipe = study.recipe(row.recipe)
    here = (study.tokenizer(row.tokenizer).label, study.llm(row.llm).label)
    theirs = (recipe.original.tokenizer.label, recipe.original.llm.label) if recipe.original else here
    parts = tuple(pair for pair in zip(here, theirs, strict=True) if pair[0] != pair[1])
    return Otherwise(parts, " ".join(recipe.otherwise.split()))


def _shortfall(study: Study, row: AnyRow) -> Shortfall | None:
    """Returns what the probes of a row's tokenizer found wrong; None if it was not pretrained here.

    Results may be here without their checkpoints, for example from another machine's build: no probe is read then.
    """
    models = study.models
    if not isinstance(row, GridRow) or row.tokenizer not in models.tokenizers:
        return None
    if not models.pretrains(row.tokenizer) or row.tokenizer in models.scale.floors.values():
        return None
    folders = {run.pretrained.path: Paths(models).pretrained(run.pretrained) for run in row.subjects}
    found = {name: read_probe(folder)["amiss"] for name, folder in folders.items() if folder.is_dir()}
    listed = tuple((name, tuple(sentences)) for name, sentences in found.items() if sentences)
    return Shortfall(listed) if listed else None


def _ranked(rows: Sequence[Row]) -> list[Row]:
    columns = list(zip(*(row.cells for row in rows), strict=True))
    ours = [ranks([cell.ours_text for cell in column]) for column in columns]
    theirs = [ranks([cell.published_text for cell in column]) for column in columns]
    return [
        replace(
            row,
            cells=tuple(
                replace(cell, ours_rank=ours[column][index], published_rank=theirs[column][index])
                for column, cell in enumerate(row.cells)
            ),
        )
        for index, row in enumerate(rows)
    ]


def ranks(printed: Sequence[str]) -> list[int]:
    """Returns 1 for the best, 2 for the second best and 0 for the rest; equal as printed is equal in rank.

    Where several are all equal, none is best.
    """
    numbers = [float(text) for text in printed if text != "-"]
    values = sorted(set(numbers), reverse=True)
    if len(values) < 2 <= len(numbers):
        return [0] * len(printed)
    best = {value: rank for rank, value in enumerate(values[:2], start=1)}
    return [0 if text == "-" else best.get(float(text), 0) for text in printed]


def _marked(rows: Sequence[Row]) -> tuple[Row, ...]:
    said = dict.fromkeys((row.substitute, row.shortfall, row.otherwise) for row in rows)
    said.pop((None, None, None), None)
    marks = {each: chr(ord("a") + index) for index, each in enumerate(said)}
    return tuple(
        replace(row, mark=marks.get((row.substitute, row.shortfall, row.otherwise), "")) for row in rows
    )
