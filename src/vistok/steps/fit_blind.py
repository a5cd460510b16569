"""Scores answers that never look at the image: a constant, the prior of the question, a language model alone."""

from collections.abc import Hashable, Sequence
from pathlib import Path

from vistok.chain.results import blind_inputs, check_predictions, write_metrics
from vistok.datasets.coco import read_captions
from vistok.datasets.gvtbench import read_object_questions
from vistok.datasets.vqa import read_annotations, read_texts
from vistok.errors import VistokError
from vistok.evaluation.blind import (
    constant_answer,
    constant_caption,
    constant_captions_by_fold,
    fit_prior,
    prior_answers,
    prior_answers_by_fold,
    vqa_prior_answers,
)
from vistok.evaluation.score.predictions import read_predictions
from vistok.grid.load import Study
from vistok.grid.paths import Paths
from vistok.grid.values import Task
from vistok.steps.asking import Asked, ask
from vistok.steps.score_run import cell, scores

FOLDS = 5


def run(study: Study, suite: str) -> None:
    """Writes metrics.json of the blind baselines of every task of a suite.

    What language models said without the image stands in their predictions.jsonl.
    """
    paths = Paths(study)
    for task in study.suite(suite):
        asked = ask(study, task.id)
        report = cell(study, task, asked, blind_answers(study, task, asked))
        given = {llm: paths.blind_predictions(llm, task.id) for llm in study.llms_of(suite)}
        report["inputs"] = {
            llm: check_predictions(path, blind_inputs(study, llm, task)) for llm, path in given.items()
        }
        report["text_only"] = {
            llm: scores(study, task, asked, read_predictions(path, asked.references.ids, allow_missing=False))
            for llm, path in given.items()
        }
        write_metrics(paths.blind(task.id), report)


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
    """Returns one caption for all images; with one prompt for all, there is no other prior."""
    records = asked.references.records
    if prior := _prior_file(study, task):
        return {"constant": [constant_caption(read_captions(prior).captions)] * len(records)}
    folds = min(FOLDS, len(records))
    if folds < 2:
        return {}
    said = constant_captions_by_fold({record.image_id: record.captions for record in records}, folds=folds)
    return {"constant": [said[record.image_id] for record in records]}


def _vqa(study: Study, task: Task, asked: Asked) -> dict[str, list[str]]:
    records, prior, files = asked.references.records, _prior_file(study, task), study.task_files(task.id)
    types = [record.question_type for record in records]
    if prior is None or files is None:
        answers = [record.multiple_choice_answer for record in records]
        return _by_fold(types, answers, asked.references.images)
    if files.prior_questions is None:
        raise VistokError(
            f"the task {task.id!r} names a `prior` without `prior_questions`: both are needed of VQA."
        )
    known = read_annotations(prior)
    texts = read_texts(
        Paths(study).data / files.prior_questions, (entry.question_id for entry in known), prior
    )
    training = [
        (task.prompt.replace("{question}", text), entry.question_type, entry.multiple_choice_answer)
        for text, entry in zip(texts, known, strict=True)
    ]
    constant = constant_answer([answer for _, _, answer in training])
    answers = vqa_prior_answers(training, list(zip(asked.prompts, types, strict=True)))
    return {"constant": [constant] * len(records), "prior": answers}


def _objects(study: Study, task: Task, asked: Asked) -> dict[str, list[str]]:
    records, prior = asked.references.records, _prior_file(study, task)
    names = [record.object_name for record in records]
    if prior is None:
        return _by_fold(names, [record.answer for record in records], asked.references.images)
    training = read_object_questions(prior, task.kind)
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
