"""Assembles a table of ETT: the paper's numbers, and ours or the reason why we have none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from vistok.audit.findings import Finding
from vistok.chain.ett import read_ett_blind
from vistok.errors import VistokError
from vistok.evaluation.kinds import task_kind
from vistok.grid.ett import PUBLISHED_SET, TABLES, EttColumn, EttPaths, EttRow, EttTable
from vistok.grid.ett_drawing import drawn_name
from vistok.grid.ett_files import blind_file
from vistok.grid.ett_scale import makes_ett, painted_by, read_scale, scale_file
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.published.tables import PublishedTable
from vistok.reading import read_json
from vistok.tables.audited import with_audit
from vistok.tables.cells import VIEWER, baseline, cell_of
from vistok.tables.metrics import Metrics, baseline_titles, read_baselines, read_cell, read_own_baselines
from vistok.tables.report import Baseline, Origin, Row, Substitute, TableReport
from vistok.tables.row_notes import with_marks
from vistok.tables.values import Cell, Column

COMMAND: Final = "snakemake ett_tables --cores 1"
LLM: Final = "qwen-2-5"
_DRAWN: Final[dict[str, str]] = {
    name: f"ours is of this world's own prompts, {images}, not of GenEval's: `generation.html` beside this table has "
    "what retrieval and true images score. Images are drawn with guidance, by the first training of a row"
    for name, images in (
        ("plain", "of which images to learn from have every combination"),
        ("held-out", "of which no image to learn from has the combination"),
    )
}
_DRAWN[PUBLISHED_SET] = (
    "of GenEval's own prompts and rule, with a detector of equal accuracy; `generation.html` beside this table has "
    "what retrieval scores. Images are drawn with guidance, by the first training of a row"
)
_NOBODY: Final = Metrics(0, 0, None, {})


@dataclass(frozen=True)
class Measured:
    """The scores of a scale's own models of ETT.

    Attributes:
        blind: the scores of answers without the image, by task.
        reconstruction: the rows of the record of reconstruction.
        generation: the rows of the record of generation.
    """

    study: Study
    blind: Mapping[str, Metrics]
    reconstruction: Mapping[str, Any]
    generation: Mapping[str, Any]

    @property
    def llm(self) -> str:
        return read_scale(self.study).llm

    def cell(self, row: EttRow, entry: EttColumn, column: Column) -> Cell:
        """Returns a cell of ours, without the paper's number."""
        if entry.task:
            runs = row.runs(self.llm, self.study.seeds)
            metrics = [read_cell(self.study, run, entry.task) for run in runs]
            return cell_of(metrics, column, self.blind[entry.task])
        if entry.generation:
            score = self.generation[drawn_name(row, guided=True)][entry.generation]["mean"]
            low, high = (None if end is None else end / 100 for end in (score["low"], score["high"]))
            return Cell(
                column.decimals, ours=score["value"] / 100, low=low, high=high, n=score["n"], of=score["n"]
            )
        score = self.reconstruction[painted_by(self.study, row)].get(entry.reconstruction)
        n = score["n"]
        return Cell(column.decimals, ours=score["value"], low=score["low"], high=score["high"], n=n, of=n)


def read_measured(study: Study, table: EttTable) -> Measured | None:
    """Returns the scores for a table; None if the scale has no models of ETT.

    Raises:
        VistokError: some of them are missing or changed.
    """
    if not makes_ett(study):
        return None
    blind = {task: _baselines_of(study, task) for task in table.tasks}
    columns, paths = table.columns.values(), EttPaths(study)
    painted = any(column.reconstruction for column in columns)
    record = read_json(paths.reconstruction, what="reconstruction") if painted else {"rows": {}}
    draws = any(column.generation for column in columns)
    drawn = read_json(paths.generation, what="generation") if draws else {"rows": {}}
    return Measured(study, blind, record["rows"], drawn["rows"])


def _baselines_of(study: Study, task: str) -> Metrics:
    """Returns the blind baselines of a task: the study's, or those with ETT's own language model."""
    llm, path = read_scale(study).llm, blind_file(study, task)
    if path == Paths(study).blind(task):
        return read_baselines(study, task, [llm])
    return read_own_baselines(
        study, task, llm, path, lambda: read_ett_blind(study, path, study.task(task), llm)
    )


def why_absent(study: Study) -> str:
    """Returns why a scale has no measurement of something."""
    if not makes_ett(study):
        return "this scale has no tokenizer of ETT's"
    return f"{scale_file(study)} declares nothing that measures it"


def assemble_ett(
    study: Study,
    table: EttTable,
    published: PublishedTable,
    findings: Sequence[Finding],
    measured: Measured | None = None,
) -> TableReport:
    """Returns one of ETT's tables.

    Args:
        study: whose results it shows.
        table: as the grid declares it.
        published: the paper's table of the same number.
        findings: of the audit of the published tables.
        measured: the scores of this scale's models, if it has any.

    Raises:
        VistokError: the grid names a label, column or row that the paper's table lacks; or a metrics.json is missing
            or wrong.
    """
    _check(study, table, published)
    columns = tuple(
        _column(study, title, entry, published, measured) for title, entry in table.columns.items()
    )
    report = TableReport(
        id=table.id,
        number=table.number,
        caption=table.caption,
        results=study.results_id,
        labels=table.labels,
        main_label=table.labels.index(table.named_by),
        columns=columns,
        rows=with_marks([_row(study, table, row, columns, published, measured) for row in table.rows]),
        baselines=_baselines(columns, measured) if measured else (),
        origin=Origin(study.scale.id, study.split, study.models_study.scale.id, False, True, COMMAND),
        paper="ett",
        pairs=tuple((first - 1, second - 1) for first, second in table.pairs),
    )
    ids = [published.row_ids[row.published - 1] if row.published else None for row in table.rows]
    return with_audit(report, ids, findings)


def _column(
    study: Study, title: str, entry: EttColumn, published: PublishedTable, measured: Measured | None
) -> Column:
    printed = title in published.columns
    decimals = published.decimals(title) if printed else 1
    if entry.task is None:
        drawn = {"ours": _DRAWN[entry.generation]} if entry.generation and measured else {}
        return Column(title, title, entry.metric, "", drawn, decimals)
    task, blind = study.task(entry.task), measured.blind[entry.task] if measured else None
    meaning = {task.protocol: task_kind(task.kind).protocols[task.protocol]}
    shown = Column(task.id, title, task.metric, task.protocol, meaning, decimals, printed=printed)
    return replace(shown, n=blind.n, of=blind.of) if blind else shown


def _row(
    study: Study,
    table: EttTable,
    row: EttRow,
    columns: Sequence[Column],
    published: PublishedTable,
    measured: Measured | None,
) -> Row:
    cells = []
    for column, (title, entry) in zip(columns, table.columns.items(), strict=True):
        if entry.waits_for or measured is None:
            cell = Cell(column.decimals, left_out=entry.waits_for or why_absent(study))
        else:
            cell = measured.cell(row, entry, column)
        paper_value = (
            published.printed(row.published - 1, title)
            if row.published and column.title in published.columns
            else None
        )
        cells.append(replace(cell, published=paper_value))
    printed = published.rows[row.published - 1] if row.published else row.labels
    llm, seeds = (measured.llm, measured.study.seeds) if measured else (LLM, 1)
    stand_in = study.models_study.tokenizer(row.tokenizer).substitute if measured else None
    return Row(
        labels=tuple(printed[label] for label in table.labels),
        subjects=row.runs(llm, seeds),
        cells=tuple(cells),
        substitute=Substitute(" ".join(stand_in.split()), "") if stand_in else None,
    )


def _baselines(columns: Sequence[Column], measured: Measured) -> tuple[Baseline, ...]:
    """Returns the scores of answers without the image, in the columns of tasks."""
    blind = {column.asks: measured.blind.get(column.task, _NOBODY) for column in columns}
    made = [
        baseline(name, title, columns, blind)
        for name, title in baseline_titles(measured.study, measured.blind, [measured.llm]).items()
        if not name.startswith(VIEWER)
    ]
    return tuple(entry for entry in made if any(entry.protocols))


def _check(study: Study, table: EttTable, published: PublishedTable) -> None:
    where = f"{TABLES}, entry {table.id!r}"
    if strange := [label for label in (*table.labels, table.named_by) if label not in published.columns]:
        raise VistokError(
            f"{where}: {strange[0]!r} is not a column of the paper's Table {table.number}. Legal: "
            f"{', '.join(published.columns)}."
        )
    titles = [title for title, column in table.columns.items() if not _is_own(study, title, column)]
    if strange := [title for title in titles if title not in published.numeric_columns]:
        raise VistokError(
            f"{where}: {strange[0]!r} is not a column of numbers of the paper's Table {table.number}, nor the label of "
            f"its task. Legal: {', '.join(published.numeric_columns)}."
        )
    if sorted(row.published for row in table.rows if row.published) != [*range(1, len(published.rows) + 1)]:
        raise VistokError(
            f"{where}: the rows name {[row.published for row in table.rows]} of the paper's Table {table.number}, "
            f"which has {len(published.rows)}: name our recipe of each once."
        )
    for row in table.rows:
        if not row.published and [*row.labels] != [*table.labels]:
            raise VistokError(f"{where}: a row of our own has `labels` for {', '.join(table.labels)}.")


def _is_own(study: Study, title: str, column: EttColumn) -> bool:
    return bool(column.task) and study.task(str(column.task)).label == title
