"""The page from which all of a study is reached, and its runs' pages: static, and without a network."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vistok.files import write_text
from vistok.pages.charts import against_published, run_curves, table_chart
from vistok.pages.glance import Glance, glance_chart
from vistok.pages.library import data_tables
from vistok.pages.table import words_of
from vistok.pages.templating import render
from vistok.tables.questions import Answered, Drawn
from vistok.tables.report import TableReport


@dataclass(frozen=True, slots=True)
class TaskSample:
    """The questions of one task that pages show.

    Attributes:
        drawn: the questions.
        photographs: the file of each one's image, below `assets`.
        blind: language model -> what it answers without the image.
    """

    drawn: Drawn
    photographs: tuple[str, ...]
    blind: Mapping[str, Sequence[Answered]]


@dataclass(frozen=True, slots=True)
class Scores:
    """What a run scores on one task: each protocol with value and interval as printed, and the best blind baseline."""

    task: str
    label: str
    metric: str
    printed: str
    n: int
    of: int
    protocols: Mapping[str, tuple[str, str]]
    blind: str
    command: str


@dataclass(frozen=True, slots=True)
class RunPage:
    """All that the page of one run shows.

    Attributes:
        path: its id, which is the path of its page below `runs`.
        name: tokenizer, recipe, language model and seed in words.
        llm: the language model that answers without the image beside it; empty for a released model.
        rows: the table's number and the row's labels, for each table that shows it.
        scores: by task, in the order of the tasks.
        curves: training -> its points.
        answers: task -> what it answered to the questions that are shown.
    """

    path: str
    name: str
    llm: str
    rows: tuple[tuple[int, str], ...]
    scores: tuple[Scores, ...]
    curves: Mapping[str, Sequence[Mapping[str, float]]]
    answers: Mapping[str, Sequence[Answered]]

    @property
    def up(self) -> str:
        """The way from its page to the folder of the study's page."""
        return "../" * (self.path.count("/") + 2)


@dataclass(frozen=True, slots=True)
class EttSection:
    """What the page shows of ETT, the second system.

    Attributes:
        tables: the file name of each, without its suffix, and its title.
        drawn: whether there is a sheet of drawn images.
        claims: what its claims.json holds.
        audit: what its audit.json holds.
    """

    tables: Mapping[str, str]
    drawn: bool
    claims: Mapping[str, Any]
    audit: Mapping[str, Any]

    @property
    def weighed(self) -> list[dict[str, Any]]:
        return _claims(self.claims)


@dataclass(frozen=True)
class StudyPage:
    """All that the page of a study shows besides its runs.

    Attributes:
        results: the name of the study's results.
        reports: its tables.
        benchmark: the lines of Table 1.
        glance: how far each row is on the way from floor to ceiling; empty where a scale has neither.
        runs: in the order of the tables.
        questions: task -> the questions that are shown.
        claims: what claims.json holds.
        audit: what audit.json holds.
        attention: what figure-3.json holds; None where there is no figure.
        ett: what is rendered of ETT; None where it is not.
        ett_command: what renders it.
        measured: run -> what each of its trainings took: no table is made from it, and every build has its own.
    """

    results: str
    reports: Sequence[TableReport]
    benchmark: Sequence[tuple[str, ...]]
    glance: Sequence[Glance]
    runs: Sequence[RunPage]
    questions: Mapping[str, TaskSample]
    claims: Mapping[str, Any]
    audit: Mapping[str, Any]
    attention: Mapping[str, Any] | None
    ett: EttSection | None = None
    ett_command: str = ""
    measured: Mapping[str, Any] = field(default_factory=dict)


def write_study(page: StudyPage, index: Path, compare: Path) -> None:
    """Writes the study's page and the one that compares two runs."""
    tables = [words_of(report) for report in page.reports]
    published = against_published(page.reports)
    links = {run for report in page.reports for row in report.rows for run in row.runs}
    write_text(
        index,
        render(
            "study.html.j2",
            page=page,
            tables=tables,
            scatter=published is not None,
            claims=_claims(page.claims),
            pages=links & {run.path for run in page.runs},
            root="",
        ),
    )
    write_text(compare, render("compare.html.j2", page=page, root=""))


def write_runs(page: StudyPage, folder: Path) -> None:
    """Writes a page a run to `folder`, which is to become `runs`."""
    for run in page.runs:
        shown = [
            (task, entry, run.answers[task], entry.blind.get(run.llm))
            for task, entry in page.questions.items()
            if task in run.answers
        ]
        text = render(
            "run.html.j2",
            page=page,
            run=run,
            shown=shown,
            root=run.up,
            curves=run_curves(run.curves) if run.curves else None,
        )
        write_text(folder / run.path / "index.html", text)


def write_assets(page: StudyPage, folder: Path) -> None:
    """Writes what pages load, but for photographs, to `folder`, which is to become `assets`."""
    write_text(folder / "datatables.js", data_tables())
    write_text(folder / "page.js", render("page.js.j2"))
    write_text(folder / "compare.js", render("compare.js.j2"))
    write_text(folder / "page.css", render("page.css.j2"))
    write_text(folder / "answers.js", _script("ANSWERS", answers_of(page)))
    write_text(folder / "measured.js", _script("MEASURED", page.measured))
    for report in page.reports:
        write_text(folder / f"{report.id}-chart.svg", table_chart(report))
    if page.glance:
        write_text(folder / "glance.svg", glance_chart(page.glance))
    if (scatter := against_published(page.reports)) is not None:
        write_text(folder / "published-and-ours.svg", scatter)


def answers_of(page: StudyPage) -> dict[str, Any]:
    """Returns the questions that are shown, and each run's answers, as the page that compares two runs reads them."""
    questions = [
        {
            "task": task,
            "label": entry.drawn.task.label,
            "prompt": entry.drawn.prompts[index],
            "truth": list(entry.drawn.truths[index]),
            "image": entry.photographs[index],
            "blind": {llm: answers[index].text for llm, answers in entry.blind.items()},
        }
        for task, entry in page.questions.items()
        for index in range(len(entry.photographs))
    ]
    return {"questions": questions, "runs": {run.path: _answers(page, run) for run in page.runs}}


def _answers(page: StudyPage, run: RunPage) -> dict[str, Any]:
    answers = [
        None if task not in run.answers else [run.answers[task][index].text, run.answers[task][index].right]
        for task, entry in page.questions.items()
        for index in range(len(entry.photographs))
    ]
    return {"name": run.name, "llm": run.llm, "answers": answers}


def _script(name: str, value: object) -> str:
    text = json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return f"window.{name} = {text};\n"


def _claims(claims: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns each claim with its verdict on every set of cells."""
    sources = list(claims)
    return [
        {
            "id": name,
            "section": entry["section"],
            "quote": entry["quote"],
            "verdicts": {source: claims[source][name]["verdict"] for source in sources},
        }
        for name, entry in (claims[sources[0]].items() if sources else ())
    ]
