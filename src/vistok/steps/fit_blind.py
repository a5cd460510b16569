"""Scores answers that never look at the image: those of a kind's blind baselines, and of a language model alone."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vistok.benchmark.annotations import read_annotations
from vistok.chain.results import blind_inputs, check_predictions, forget_answers, write_metrics
from vistok.errors import VistokError
from vistok.evaluation.kind import Questions
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.score.predictions import read_predictions
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.grid.tasks import Task
from vistok.steps.asking import TaskQuestions, ask
from vistok.steps.score_run import cell, scores


def run(study: Study, suite: str) -> None:
    """Writes metrics.json of the blind baselines of every task of a suite.

    The answers of language models without the image are in their predictions.jsonl.
    """
    paths = Paths(study)
    fit(study, suite, study.llms_of(suite), {task.id: paths.blind(task.id) for task in study.suite(suite)})


def fit(study: Study, suite: str, llms: Sequence[str], files: Mapping[str, Path]) -> None:
    """Writes the blind baselines of a suite.

    Args:
        llms: the language models that were asked without the image.
        files: the metrics.json of each task.
    """
    paths = Paths(study)
    for task in study.suite(suite):
        questions = ask(study, task.id)
        report = cell(study, task, questions, blind_answers(study, task, questions))
        predictions = {llm: paths.blind_predictions(llm, task.id) for llm in llms}
        report["inputs"] = {
            llm: check_predictions(path, blind_inputs(study, llm, task)) for llm, path in predictions.items()
        }
        ids, identities = questions.references.ids, questions.references.identities
        report["text_only"] = {
            llm: scores(
                study,
                task,
                questions,
                read_predictions(path, ids, allow_missing=False, identities=identities),
            )
            for llm, path in predictions.items()
        }
        write_metrics(files[task.id], report)
    for llm in llms:
        forget_answers(paths.answers_under_way(f"blind/{llm}", suite))


def blind_answers(study: Study, task: Task, questions: TaskQuestions) -> dict[str, dict[str, str]]:
    """Returns the answers of each baseline by question id.

    They are fitted on the training split where the scale names one, else on the other folds of the
    images that are asked about; the reference of a question never decides its own answer.
    """
    kind = task_kind(task.kind)
    if not questions.references.ids:
        return {name: {} for name in kind.baselines}
    training = _training(study, task)
    answers = kind.blind(Questions(questions.references.records, questions.texts), training)
    answers |= _viewers(study, task, questions, training)
    ids = [str(key) for key in questions.references.ids]
    return {name: dict(zip(ids, texts, strict=True)) for name, texts in answers.items()}


def _viewers(
    study: Study, task: Task, questions: TaskQuestions, training: Questions[Any] | None
) -> dict[str, list[str]]:
    """Returns the answers of viewers that see a part of the annotations; none without annotations."""
    files, root, kind = study.task_files(task.id), Paths(study).data, task_kind(task.kind)
    named = (files.annotations, files.prior_annotations) if files else ()
    if not kind.viewers or files is None or files.annotations is None:
        return {}
    if training and files.prior_annotations is None:
        raise VistokError(
            f"the task {task.id!r} names a `prior` and `annotations` without `prior_annotations`: viewers are fitted "
            "on annotated images. Add it to the task's files in the scale's file."
        )
    if study.scale.missing_images == "skip" and not all((root / name).exists() for name in named if name):
        return {}
    fitted_on = (
        (training.records, _groups(root / str(files.prior_annotations), training.records))
        if training
        else None
    )
    records = questions.references.records
    return kind.seen(records, _groups(root / files.annotations, records), fitted_on)


def _groups(path: Path, records: Sequence[Any]) -> dict[Hashable, tuple[int, ...]]:
    """Returns how many objects of each category are annotated in each image that is asked about."""
    annotations = read_annotations(path, images={record.image_id for record in records})
    return {image.image_id: tuple(image.counts.values()) for image in annotations.images}


def _training(study: Study, task: Task) -> Questions[Any] | None:
    """Returns the questions of the training split; None where the scale names none."""
    kind, files, root = task_kind(task.kind), study.task_files(task.id), Paths(study).data
    if files is None:
        raise VistokError(f"the scale {study.scale.id!r} names no files for the task {task.id!r}.")
    if files.prior is None:
        return None
    if kind.texts_apart and files.prior_questions is None:
        raise VistokError(
            f"the task {task.id!r} names a `prior` without `prior_questions`: both are needed of {task.kind} questions."
        )
    records = kind.read(root / files.prior)
    questions = root / files.prior_questions if files.prior_questions else None
    return Questions(records, kind.texts(records, root / files.prior, questions))
