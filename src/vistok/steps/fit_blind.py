"""Scores answers that never look at the image: those of a kind's blind baselines, and of a language model alone."""

from typing import Any

from vistok.chain.results import blind_inputs, check_predictions, write_metrics
from vistok.errors import VistokError
from vistok.evaluation.kind import Questions
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.score.predictions import read_predictions
from vistok.grid.load import Study
from vistok.grid.paths import Paths
from vistok.grid.values import Task
from vistok.steps.asking import Asked, ask
from vistok.steps.score_run import cell, scores


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
        ids, known = asked.references.ids, asked.references.known
        report["text_only"] = {
            llm: scores(study, task, asked, read_predictions(path, ids, allow_missing=False, known=known))
            for llm, path in given.items()
        }
        write_metrics(paths.blind(task.id), report)


def blind_answers(study: Study, task: Task, asked: Asked) -> dict[str, dict[str, str]]:
    """Returns the answers of each baseline by question id.

    They are fitted on the training split where the scale names one, else on the other folds of the
    images that are asked about; the reference of a question never decides its own answer.
    """
    kind = task_kind(task.kind)
    if not asked.references.ids:
        return {name: {} for name in kind.baselines}
    answers = kind.blind(Questions(asked.references.records, asked.texts), _training(study, task))
    ids = [str(key) for key in asked.references.ids]
    return {name: dict(zip(ids, said, strict=True)) for name, said in answers.items()}


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
