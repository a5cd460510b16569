"""Predictions and metrics that record what they were made from, and the checks of that record."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from vistok.errors import VistokError
from vistok.files import digest_file, digest_value, write_json, write_jsonl
from vistok.grid.needs import model_weights_name
from vistok.grid.paths import Paths
from vistok.grid.runs import Run, Subject
from vistok.grid.specs import task_spec
from vistok.grid.study import Study
from vistok.grid.tasks import Task
from vistok.provenance import PROVENANCE, content_digest, read_provenance, sealed, unsealed
from vistok.reading import read_json

Inputs = dict[str, str]


def answer_inputs(study: Study, subject: Subject, task: Task) -> Inputs:
    """Returns the digests of what answers to a task are made from, as far as they exist."""
    name, models_study = f"{subject.path}/{task.id}", study.models_study
    if isinstance(subject, Run):
        return _inputs(study, name, Paths(models_study).mllm(subject), task)
    listed = Paths(models_study).digest(model_weights_name(subject.model))
    weights = {"checkpoint": _digest(listed)} if listed.is_file() else {}
    return _inputs(study, name, None, task) | weights


def blind_inputs(study: Study, llm: str, task: Task) -> Inputs:
    """Returns the digests of what a language model's answers without the image are made from."""
    models_study = study.models_study
    inputs = _inputs(study, f"blind/{llm}/{task.id}", Paths(models_study).llm(llm), task)
    return (
        inputs
        if models_study.scale.language_model
        else inputs | {"checkpoint": models_study.llm(llm).weights}
    )


def write_predictions(path: Path, rows: Sequence[Mapping[str, Any]], inputs: Inputs) -> None:
    """Writes predictions.jsonl, one question per line, and provenance.json beside it."""
    write_jsonl(path, [dict(row) for row in rows], durable=True)
    about = {"files": {path.name: digest_file(path)}, "inputs": inputs}
    write_json(path.with_name(PROVENANCE), sealed(about))


def answer_files(file: Path) -> list[Path]:
    """Returns what each process of an answering job has saved so far: `file` of the first, and those beside it."""
    others = file.parent.glob(
        f"{file.stem}.[0-9]*{file.suffix}"
    )  # not those of a suite whose name begins alike
    return [each for each in (file, *sorted(others)) if each.is_file()]


def forget_answers(file: Path) -> None:
    """Removes what an answering job has saved so far, and the folders that become empty.

    It outlives the job: of one that outlived its snakemake, snakemake takes the answers for half-made and deletes them.
    """
    for each in answer_files(file):
        each.unlink(missing_ok=True)
    with suppress(OSError):
        for folder in file.parents[:-1]:
            folder.rmdir()


def check_predictions(path: Path, inputs: Inputs) -> str:
    """Checks that a predictions.jsonl is what was answered, and returns its digest.

    Args:
        path: the file.
        inputs: what it has to be made from; inputs that no longer exist are not compared.

    Raises:
        VistokError: it was changed since, or was made from something else.
    """
    if not path.is_file():
        raise VistokError(f"predictions not found: {path}. Make them with snakemake.")
    if not path.with_name(PROVENANCE).is_file():
        raise _untrusted(path, f"there is no {PROVENANCE} next to it to say what it was made from")
    about, digest = read_provenance(path.parent), digest_file(path)
    if about["files"].get(path.name) != digest:
        raise _untrusted(path, "it is not what was answered: its SHA-256 is another")
    for name, value in inputs.items():
        if about["inputs"].get(name) != value:
            raise _untrusted(path, _changed(name, about["inputs"].get(name)))
    return digest


def write_metrics(path: Path, report: Mapping[str, Any]) -> None:
    """Writes metrics.json with a digest of itself."""
    write_json(path, sealed(report))


def read_run_metrics(study: Study, run: Subject, task: Task) -> dict[str, Any]:
    """Returns a run's metrics.json, after checking it against the scores and answers it was made from.

    Raises:
        VistokError: it was changed since, or what it was scored from was.
    """
    paths = Paths(study)
    report = _read_metrics(study, paths.metrics(run, task.id), task)
    _compare(
        paths.metrics(run, task.id),
        report,
        {"predictions": (paths.predictions(run, task.id), answer_inputs(study, run, task))},
    )
    return report


def read_blind_metrics(study: Study, task: Task) -> dict[str, Any]:
    """Returns the metrics.json of the blind baselines of a task, as `read_run_metrics` does.

    Raises:
        VistokError: as `read_run_metrics`.
    """
    paths, llms = Paths(study), study.answering_llms()
    report = _read_metrics(study, paths.blind(task.id), task)
    expected = {
        llm: (paths.blind_predictions(llm, task.id), blind_inputs(study, llm, task))
        for llm in llms
        if llm in _scored_from(report)
    }
    _compare(paths.blind(task.id), report, expected)
    return report


def references_digest(study: Study, task: Task) -> str | None:
    """Returns the digest of a task's references; None where they are not there."""
    files = study.task_files(task.id)
    path = Paths(study).data / files.references if files else None
    if path and path.is_dir():
        return digest_value({file.name: _digest(file) for file in sorted(path.iterdir()) if file.is_file()})
    return _digest(path) if path and path.is_file() else None


def _inputs(study: Study, name: str, checkpoint: Path | None, task: Task) -> Inputs:
    inputs = {"of": name, "spec": digest_value(task_spec(study, task.id))}
    if checkpoint is not None and (checkpoint / PROVENANCE).is_file():
        inputs["checkpoint"] = content_digest(read_provenance(checkpoint))
    if (references := references_digest(study, task)) is not None:
        inputs["references"] = references
    files = study.task_files(task.id)
    if files and files.questions and (questions := Paths(study).data / files.questions).is_file():
        inputs["questions"] = _digest(questions)
    return inputs


def _read_metrics(study: Study, path: Path, task: Task) -> dict[str, Any]:
    report = unsealed(path, read_json(path, what="metrics"))
    now = references_digest(study, task)
    if now is not None and report.get("references") != now:
        raise _untrusted(path, "the references have changed since it was scored")
    return report


def _scored_from(report: Mapping[str, Any]) -> dict[str, str]:
    inputs = report.get("inputs")
    return inputs if isinstance(inputs, dict) else {}


def _compare(path: Path, report: Mapping[str, Any], expected: Mapping[str, tuple[Path, Inputs]]) -> None:
    for name, (predictions, inputs) in expected.items():
        if predictions.is_file() and _scored_from(report).get(name) != check_predictions(predictions, inputs):
            raise _untrusted(path, f"{predictions} has changed since it was scored")


def _changed(name: str, before: object) -> str:
    match name:
        case "of":
            return f"it holds the answers of {before!r}"
        case "spec":
            return "it was answered under another version of the task"
        case "checkpoint":
            return "it was answered by another checkpoint than is there now"
    return f"the {name} have changed since it was answered"


def _untrusted(path: Path, reason: str) -> VistokError:
    return VistokError(f"{path} cannot be trusted: {reason}. Delete it and make it again with snakemake.")


def _digest(path: Path) -> str:
    state = os.stat(path)  # noqa: PTH116 -- a table asks for the same few large files once per run
    return _digest_of(path.absolute(), state.st_size, state.st_mtime_ns)


@lru_cache
def _digest_of(path: Path, size: int, modified: int) -> str:
    return digest_file(path)
