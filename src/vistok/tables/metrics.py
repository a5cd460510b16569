"""Reads metrics.json files: what a run, or a blind baseline, scores on one task."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, FiniteFloat, NonNegativeInt, ValidationError

from vistok.chain.results import read_blind_metrics, read_run_metrics
from vistok.errors import VistokError
from vistok.evaluation.kinds import task_kind
from vistok.grid.paths import Paths
from vistok.grid.runs import Subject
from vistok.grid.study import Study
from vistok.grid.tasks import Task


@dataclass(frozen=True, slots=True)
class Score:
    """The table metric of one set of answers under one protocol, with its 95 % interval, if any; in per cent.

    `by_image` holds the sum and the number of each image's values, where they are told.
    """

    value: float
    low: float | None
    high: float | None
    by_image: tuple[tuple[float, ...], tuple[int, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Metrics:
    """One metrics.json.

    Attributes:
        n: the questions that were asked.
        of: the questions that the official file has.
        reason: why `n` is less than `of`; None if it is not.
        scores: whose answers -> protocol -> score: `answers` of a run; those of the kind's blind baselines, and
            `text-only-<llm>`.
    """

    n: int
    of: int
    reason: str | None
    scores: Mapping[str, Mapping[str, Score]]


_TEXT_ONLY = "text-only-"


def baseline_titles(study: Study, tasks: Iterable[str], llms: Iterable[str]) -> dict[str, str]:
    """Returns the blind baselines of some tasks and language models, each with its title."""
    kinds = dict.fromkeys(study.task(task).kind for task in tasks)
    fitted = {name: title for kind in kinds for name, title in task_kind(kind).baselines.items()}
    alone = {f"{_TEXT_ONLY}{llm}": f"{study.llm(llm).label} without the image" for llm in llms}
    viewers = {name: title for kind in kinds for name, title in task_kind(kind).viewers.items()}
    return {name: f"Blind: {title}" for name, title in (fitted | alone).items()} | {
        name: f"Category-blind: {title}" for name, title in viewers.items()
    }


class _ByImage(BaseModel):
    sums: tuple[FiniteFloat, ...]
    counts: tuple[NonNegativeInt, ...]


class _Scored(BaseModel):
    metrics: dict[str, FiniteFloat]
    intervals: dict[str, tuple[FiniteFloat, FiniteFloat] | None]
    n: NonNegativeInt = 0
    of: NonNegativeInt = 0
    cells: dict[str, "_Scored"] = {}
    by_image: _ByImage | None = None


class _File(BaseModel):
    task: str
    run: str | None = None
    n: NonNegativeInt
    of: NonNegativeInt
    reason: str | None
    answers: dict[str, _Scored] = {}
    fitted: dict[str, dict[str, _Scored]] = {}
    text_only: dict[str, dict[str, _Scored]] = {}

    def answers_of(self, name: str) -> Mapping[str, _Scored]:
        """Returns one set of answers; raises KeyError for a language model that was not asked."""
        if name.startswith(_TEXT_ONLY):
            return self.text_only[name.removeprefix(_TEXT_ONLY)]
        return self.answers if name == "answers" else self.fitted[name]


def read_cell(study: Study, run: Subject, task: str, part: str | None = None) -> Metrics:
    """Returns what a run scores on a task, or on one type of its questions.

    Raises:
        VistokError: its metrics.json is missing, was changed, or is not of this run and task, or of what was answered.
    """
    path, entry = Paths(study).metrics(run, task), study.task(task)
    return _read(
        study, path, entry, run.path, ("answers",), lambda: read_run_metrics(study, run, entry), part
    )


def read_baselines(study: Study, task: str, llms: Iterable[str], part: str | None = None) -> Metrics:
    """Returns what the blind baselines score on a task; those that could not be fitted have no scores.

    Args:
        study: whose questions were answered.
        task: the task's id.
        llms: the language models that are asked without the image.
        part: the type of question that counts; None: all.

    Raises:
        VistokError: their metrics.json is missing, was changed, or is not of this task, or of what was answered.
    """
    path, entry = Paths(study).blind(task), study.task(task)
    names = tuple(baseline_titles(study, [task], llms))
    return _read(study, path, entry, None, names, lambda: read_blind_metrics(study, entry), part)


def read_own_baselines(
    study: Study, task: str, llm: str, path: Path, read: Callable[[], dict[str, Any]]
) -> Metrics:
    """As `read_baselines`, of a metrics.json of one language model that is not where the study has its own.

    Args:
        path: the file.
        read: returns its content, checked.
    """
    return _read(
        study, path, study.task(task), None, tuple(baseline_titles(study, [task], [llm])), read, None
    )


def rebuild_command(study: Study, target: Path | str) -> str:
    """Returns the command that makes a file of this study; a user adds where the official files are."""
    config = [f"scale={study.scale.id}"] if study.scale.id != "mini" else []
    config += [f"split={study.split}"] if study.split != "test" else []
    return f"snakemake {target} --cores 2" + (f" --config {' '.join(config)}" if config else "")


def _read(
    study: Study,
    path: Path,
    task: Task,
    run: str | None,
    names: tuple[str, ...],
    read: Callable[[], dict[str, Any]],
    part: str | None,
) -> Metrics:
    again = rebuild_command(study, path)
    if not path.is_file():
        raise VistokError(f"metrics not found: {path}. Make them: {again}")
    try:
        content = read()
        kind = task_kind(task.kind)
        fitted = {name: content.get(name, {}) for name in (*kind.baselines, *kind.viewers)}
        file = _File.model_validate({**content, "fitted": fitted})
        if (file.task, file.run) != (task.id, run):
            raise VistokError(
                f"{path} is of the task {file.task!r} and the run {file.run!r}; {task.id!r} and {run!r} "
                f"are needed. Delete it and make it again: {again}"
            )
        by_name = {name: _of_part(file.answers_of(name), part) for name in names}
        scores = {name: _scores(scored, task) for name, scored in by_name.items()}
        if file.n and run and part is None and task.protocol not in scores["answers"]:
            raise KeyError(task.protocol)
    except (ValidationError, KeyError) as error:
        lacks = f"lacks {error}" if isinstance(error, KeyError) else str(error.errors()[0]["msg"])
        raise VistokError(
            f"{path} is not the metrics of {task.id!r}: {lacks}. Delete it and make it again: {again}"
        ) from error
    if part is None:
        return Metrics(file.n, file.of, file.reason, scores)
    chosen = [scored[task.protocol] for scored in by_name.values() if task.protocol in scored]
    return Metrics(*((chosen[0].n, chosen[0].of) if chosen else (0, 0)), file.reason, scores)


def _of_part(scored: Mapping[str, _Scored], part: str | None) -> Mapping[str, _Scored]:
    """Returns what one type of question scores under each protocol that has it; of no type, what all score."""
    if part is None:
        return scored
    return {name: entry.cells[part] for name, entry in scored.items() if part in entry.cells}


def _scores(scored: Mapping[str, _Scored], task: Task) -> dict[str, Score]:
    return {
        protocol: _score(entry, task.metric)
        for protocol, entry in scored.items()
        if protocol in task.protocols
    }


def _score(entry: _Scored, metric: str) -> Score:
    low, high = entry.intervals[metric] or (None, None)
    by_image = entry.by_image and (entry.by_image.sums, entry.by_image.counts)
    return Score(entry.metrics[metric], low, high, by_image or None)
