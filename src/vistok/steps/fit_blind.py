"""Scores answers that never look at the image: the constant answer, and the prior of the question."""

from collections.abc import Hashable, Sequence
from pathlib import Path

from vistok.datasets.coco import read_captions
from vistok.datasets.gvtbench import read_object_questions
from vistok.datasets.vqa import read_annotations, read_questions
from vistok.errors import VistokError
from vistok.evaluation.blind import (
    constant_answer,
    constant_caption,
    fit_prior,
    prior_answers,
    prior_answers_by_fold,
    vqa_prior_answers,
)
from vistok.files import write_json
from vistok.grid.load import Study
from vistok.grid.paths import Paths
from vistok.grid.values import Task
from vistok.steps.asking import Asked, ask
from vistok.steps.score_run import cell

FOLDS = 5


def run(study: Study) -> None:
    """Writes metrics.json of the blind baselines of every task of the suite."""
    for task in study.suite():
        asked = ask(study, task.id)
        report = cell(study, task, asked, blind_answers(study, task, asked))
        write_json(Paths(study).blind(task.id), report)


def blind_answers(study: Study, task: Task, asked: Asked) -> dict[str, dict[str, str]]:
    """Returns the answers of each baseline by question id.

    They are fitted on the training split where the scale names one, else on the other folds of the
    images that are asked about; the reference of a question never decides its own answer.
    """
    if not asked.references.ids:
        return {"constant": {}, "prior": {}}
    said = {"caption": _captions, "vqa": _vqa}.get(task.kind, _objects)(study, task, asked)
    ids = [str(key) for key in asked.references.ids]
    return {name: dict(zip(ids, answers, strict=True)) for name, answers in said.items()}


def _captions(study: Study, task: Task, asked: Asked) -> dict[str, list[str]]:
    """Returns one caption for all images: it is the constant answer and, with one prompt, the prior too."""
    prior = _prior_file(study, task)
    captions = read_captions(prior).captions if prior else {record.image_id: record.captions for record in asked.references.records}
    best = constant_caption(captions)
    return {"constant": [best] * len(asked.references.ids)}


def _vqa(study: Study, task: Task, asked: Asked) -> dict[str, list[str]]:
    records = asked.references.records
    files, prior = study.task_files(task.id), _prior_file(study, task)
    texts = asked.prompts
    if prior and files and files.prior_questions:
        asked_texts = {entry.question_id: entry.question for entry in read_questions(Paths(study).data / files.prior_questions)}
        training = [
            (task.prompt.replace("{question}", asked_texts[entry.question_id]), entry.question_type, entry.multiple_choice_answer)
            for entry in read_annotations(prior)
        ]
        answers = vqa_prior_answers(training, [(text, record.question_type) for text, record in zip(texts, records, strict=True)])
        return {"constant": [constant_answer([row[2] for row in training])] * len(records), "prior": answers}
    return _by_fold([record.question_type for record in records], [record.multiple_choice_answer for record in records], asked.references.images)


def _objects(study: Study, task: Task, asked: Asked) -> dict[str, list[str]]:
    records, prior = asked.references.records, _prior_file(study, task)
    names = [record.object_name for record in records]
    if prior is None:
        return _by_fold(names, [record.answer for record in records], asked.references.images)
    training = read_object_questions(prior)
    answers = [question.answer for question in training]
    constant = constant_answer(answers)
    fitted = fit_prior([question.object_name for question in training], answers)
    return {"constant": [constant] * len(names), "prior": prior_answers(fitted, names, constant)}


def _by_fold(keys: Sequence[str], answers: Sequence[str], images: Sequence[Hashable]) -> dict[str, list[str]]:
    folds = min(FOLDS, len(set(images)))
    if folds < 2:
        return {}
    constant = prior_answers_by_fold([""] * len(keys), answers, images, folds=folds)
    return {"constant": constant, "prior": prior_answers_by_fold(keys, answers, images, folds=folds)}


def _prior_file(study: Study, task: Task) -> Path | None:
    files = study.task_files(task.id)
    if files is None:
        raise VistokError(f"the scale {study.scale.id!r} names no files for the task {task.id!r}.")
    return Paths(study).data / files.prior if files.prior else None
