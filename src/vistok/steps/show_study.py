"""Makes the page from which all of a study is reached: tables, figures, claims, findings, runs, questions."""

import hashlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vistok.audit.checks import table_findings
from vistok.chain.results import check_predictions
from vistok.datasets.images import load_image
from vistok.evaluation.score.predictions import read_predictions
from vistok.files import staged_folder
from vistok.grid.ett import GENERATION, RECONSTRUCTION, EttPaths, read_tables
from vistok.grid.paths import Paths
from vistok.grid.runs import Run, Subject
from vistok.grid.study import Study
from vistok.grid.tasks import Task
from vistok.pages.benchmark import table_lines
from vistok.pages.glance import glances
from vistok.pages.study import (
    EttSection,
    RunPage,
    Scores,
    StudyPage,
    TaskSample,
    write_assets,
    write_runs,
    write_study,
)
from vistok.provenance import read_provenance
from vistok.published.tables import PUBLISHED, read_all_published
from vistok.reading import read_json
from vistok.steps.asking import TaskQuestions, ask_each
from vistok.steps.count_benchmark import table_one
from vistok.tables.assemble import assemble
from vistok.tables.ett_generation import CAPTION as GENERATION_CAPTION
from vistok.tables.ett_reconstruction import CAPTION as RECONSTRUCTION_CAPTION
from vistok.tables.metrics import Metrics, read_baselines, read_cell, rebuild_command
from vistok.tables.questions import Answered, Drawn, draw, judge
from vistok.tables.report import TableReport
from vistok.tables.values import number
from vistok.training.curves import read_curves

_SIDE = 256  # pixels: what a page shows of a photograph
_QUALITY = 90


def run(study: Study) -> None:
    """Writes `paper_tables/<results>/index.html`, `compare.html`, `runs/` and `assets/`.

    Raises:
        VistokError: what the page shows is missing or wrong.
    """
    paths = Paths(study)
    task_questions = ask_each(study, [task.id for task in study.answered_tasks()])
    with staged_folder(paths.assets) as assets:
        page = _page(study, task_questions, assets)
        write_assets(page, assets)
    with staged_folder(paths.run_pages) as runs:
        write_runs(page, runs)
    write_study(page, paths.page, paths.compare_page)


def _page(study: Study, task_questions: Mapping[str, TaskQuestions], assets: Path) -> StudyPage:
    published, paths = read_all_published(PUBLISHED), Paths(study)
    findings = table_findings(published)
    reports = [
        assemble(study, table, published[entry.number], findings) for table, entry in study.tables.items()
    ]
    questions = {
        task.id: _shown(study, task, task_questions[task.id], assets)
        for task in study.answered_tasks()
        if task_questions[task.id].prompts
    }
    rows = _rows(reports)
    attention = paths.figure(3, "json")
    return StudyPage(
        results=study.results_id,
        reports=reports,
        benchmark=table_lines(*table_one(study), study.results_id),
        glance=glances(study, reports),
        runs=[
            _run_page(study, subject, suites, task_questions, questions, rows.get(subject.path, ()))
            for subject, suites in study.suites_by_subject().items()
        ],
        questions=questions,
        claims=read_json(paths.claims("json"), what="claims"),
        audit=read_json(paths.audit("json"), what="audit"),
        attention=read_json(attention, what="figure") if attention.is_file() else None,
        ett=_ett(study),
        ett_command=rebuild_command(study, "ett_tables"),
        measured={subject.path: _measured(study, subject) for subject in study.subjects()},
    )


def _ett(study: Study) -> EttSection | None:
    paths = EttPaths(study)
    if not paths.rendered:
        return None
    numbered = {name: f"Table {table.number}: {table.caption}" for name, table in read_tables().items()}
    return EttSection(
        tables=numbered | {RECONSTRUCTION: RECONSTRUCTION_CAPTION, GENERATION: GENERATION_CAPTION},
        drawn=paths.sheet.is_file(),
        claims=read_json(paths.pages / "claims.json", what="claims of ETT"),
        audit=read_json(paths.pages / "audit.json", what="audit of ETT"),
    )


def _rows(reports: list[TableReport]) -> dict[str, tuple[tuple[int, str], ...]]:
    by_path: dict[str, list[tuple[int, str]]] = {}
    for report in reports:
        for row in report.rows:
            for path in row.runs:
                by_path.setdefault(path, []).append((report.number, " · ".join(row.labels)))
    return {path: tuple(shown) for path, shown in by_path.items()}


def _shown(study: Study, task: Task, questions: TaskQuestions, assets: Path) -> TaskSample:
    """Draws the questions of a task, and puts their photographs beside the page."""
    drawn = draw(task, questions.references, questions.prompts, study.scale.questions_shown)
    photographs = tuple(
        _photograph(questions.images[record.image_id], assets) for record in drawn.references.records
    )
    paths = Paths(study)
    blind = {
        llm: _answered(paths.blind_predictions(llm, task.id), questions, drawn)
        for llm in study.llms_of(task.suite)
    }
    return TaskSample(drawn, photographs, blind)


def _photograph(path: Path, assets: Path) -> str:
    """Writes a photograph as pages show it, named by its content; returns its name below `assets`."""
    image = load_image(path, what="photograph")
    image.thumbnail((_SIDE, _SIDE))
    written = io.BytesIO()
    image.save(written, format="WEBP", quality=_QUALITY)
    name = f"photographs/{hashlib.sha256(written.getvalue()).hexdigest()[:16]}.webp"
    target = assets / name
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(written.getvalue())
    return name


def _answered(path: Path, task_questions: TaskQuestions, drawn: Drawn) -> list[Answered]:
    check_predictions(path, {})
    questions = task_questions.references
    return judge(
        drawn, read_predictions(path, questions.ids, allow_missing=False, identities=questions.identities)
    )


def _run_page(
    study: Study,
    subject: Subject,
    suites: tuple[str, ...],
    task_questions: Mapping[str, TaskQuestions],
    questions: Mapping[str, TaskSample],
    rows: tuple[tuple[int, str], ...],
) -> RunPage:
    paths = Paths(study)
    tasks = [task for suite in suites for task in study.suite(suite)]
    answered = [task.id for task in tasks if task.id in questions]
    return RunPage(
        path=subject.path,
        name=_name(study, subject),
        llm=subject.llm if isinstance(subject, Run) else "",
        rows=rows,
        scores=tuple(_scores(study, subject, task) for task in tasks),
        curves={
            name: read_curves(folder)
            for name, folder, trained in _trainings(study, subject)
            if trained and folder.is_dir()
        },
        answers={
            task: _answered(paths.predictions(subject, task), task_questions[task], questions[task].drawn)
            for task in answered
        },
    )


def _name(study: Study, subject: Subject) -> str:
    if not isinstance(subject, Run):
        return study.released_model(subject.model).label
    models_study = study.models_study
    labels = [
        models_study.tokenizer(subject.tokenizer).label,
        subject.recipe,
        models_study.llm(subject.llm).label,
        f"seed {subject.seed}",
    ]
    return ", ".join(labels)


def _scores(study: Study, subject: Subject, task: Task) -> Scores:
    own = read_cell(study, subject, task.id)
    blind = read_baselines(study, task.id, study.llms_of(task.suite))
    answer_scores = own.scores.get("answers", {})
    return Scores(
        task=task.id,
        label=task.label,
        metric=task.metric,
        printed=task.protocol,
        n=own.n,
        of=own.of,
        protocols={
            name: (number(score.value, 2), _interval(score.low, score.high))
            for name, score in answer_scores.items()
        },
        blind=_best(blind, task.protocol),
        command=rebuild_command(study, Paths(study).metrics(subject, task.id)),
    )


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"[{number(low, 2)}, {number(high, 2)}]"


def _best(blind: Metrics, protocol: str) -> str:
    values = [scores[protocol].value for scores in blind.scores.values() if protocol in scores]
    return number(max(values), 2) if values else "-"


def _trainings(study: Study, subject: Subject) -> Iterator[tuple[str, Path, bool]]:
    """Yields the checkpoints behind a run: what each is, its folder, and whether the scale trains it."""
    if isinstance(subject, Run):
        paths, models_study = Paths(study), study.models_study
        if models_study.pretrains(subject.tokenizer):
            yield "tokenizer", paths.pretrained(subject.pretrained), True
        if models_study.scale.language_model:
            yield "language model", paths.llm(subject.llm), True
        yield "MLLM", paths.mllm(subject), True


def _measured(study: Study, subject: Subject) -> list[dict[str, Any]]:
    """Returns what making a run's checkpoints took, as each says of itself; nothing of what is not here."""
    shown = ("commit", "seconds", "peak_memory_mib", "machine", "accelerator", "python", "packages")
    measured = []
    for name, folder, _ in _trainings(study, subject):
        if folder.is_dir():
            about = read_provenance(folder)
            measured.append({"what": name} | {key: about[key] for key in shown if key in about})
    return measured
