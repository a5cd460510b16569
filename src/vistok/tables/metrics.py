"""Reads metrics.json files: what a run, or a blind baseline, scores on one task."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, FiniteFloat, NonNegativeInt, ValidationError

from vistok.chain.results import read_blind_metrics, read_run_metrics
from vistok.errors import VistokError
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.grid.values import Subject, Task

FITTED = ("constant", "prior")


@dataclass(frozen=True, slots=True)
class Score:
    """The table metric of one set of answers under one protocol, with its 95 % interval, if any; in per cent."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Metrics:
    """One metrics.json.

    Attributes:
        n: the questions that were asked.
        of: the questions that the official file has.
        reason: why `n` is less than `of`; None if it is not.
        scores: whose answers -> protocol -> score: `answers` of a run; `constant`, `prior` and
            `text-only-<llm>` of the blind baselines.
    """

    n: int
    of: int
    reason: str | None
    scores: Mapping[str, Mapping[str, Score]]


_TEXT_ONLY = "text-only-"


def baseline_names(llms: Iterable[str]) -> tuple[str, ...]:
    """Returns the blind baselines of a table whose rows have these language models."""
    return (*FITTED, *(f"{_TEXT_ONLY}{llm}" for llm in llms))


class _Scored(BaseModel):
    metrics: dict[str, FiniteFloat]
    intervals: dict[str, tuple[FiniteFloat, FiniteFloat] | None]


class _File(BaseModel):
    task: str
    run: str | None = None
    n: NonNegativeInt
    of: NonNegativeInt
    reason: str | None
    answers: dict[str, _Scored] = {}
    constant: dict[str, _Scored] = {}
    prior: dict[str, _Scored] = {}
    text_only: dict[str, dict[str, _Scored]] = {}

    def said(self, name: str) -> Mapping[str, _Scored]:
        """Returns one set of answers; raises KeyError for a language model that was not asked."""
        if name in FITTED or name == "answers":
            found: Mapping[str, _Scored] = getattr(self, name)
            return found
        return self.text_only[name.removeprefix(_TEXT_ONLY)]


def read_cell(study: Study, run: Subject, task: str) -> Metrics:
    """Returns what a run scores on a task.

    Raises:
        VistokError: its metrics.json is missing, was changed, or is not of this run and task, or of what was answered.
    """
    path, entry = Paths(study).metrics(run, task), study.task(task)
    return _read(study, path, entry, run.path, ("answers",), lambda: read_run_metrics(study, run, entry))


def read_baselines(study: Study, task: str, llms: Iterable[str]) -> Metrics:
    """Returns what the blind baselines score on a task; those that could not be fitted have no scores.

    Args:
        study: whose questions were answered.
        task: the task's id.
        llms: the language models that are asked without the image.

    Raises:
        VistokError: their metrics.json is missing, was changed, or is not of this task, or of what was answered.
    """
    path, entry = Paths(study).blind(task), study.task(task)
    return _read(study, path, entry, None, baseline_names(llms), lambda: read_blind_metrics(study, entry))


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
) -> Metrics:
    again = rebuild_command(study, path)
    if not path.is_file():
        raise VistokError(f"metrics not found: {path}. Make them: {again}")
    try:
        found = _File.model_validate(read())
        if (found.task, found.run) != (task.id, run):
            raise VistokError(
                f"{path} is of the task {found.task!r} and the run {found.run!r}; {task.id!r} and {run!r} "
                f"are needed. Delete it and make it again: {again}"
            )
        given = {name: _scores(found.said(name), task) for name in names}
        if found.n and run and task.protocol not in given["answers"]:
            raise KeyError(task.protocol)
    except (ValidationError, KeyError) as error:
        lacks = f"lacks {error}" if isinstance(error, KeyError) else str(error.errors()[0]["msg"])
        raise VistokError(
            f"{path} is not the metrics of {task.id!r}: {lacks}. Delete it and make it again: {again}"
        ) from error
    return Metrics(found.n, found.of, found.reason, given)


def _scores(given: Mapping[str, _Scored], task: Task) -> dict[str, Score]:
    return {
        protocol: Score(entry.metrics[task.metric], *(entry.intervals[task.metric] or (None, None)))
        for protocol, entry in given.items()
        if protocol in task.protocols
    }
