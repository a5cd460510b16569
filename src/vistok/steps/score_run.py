"""Scores one run's answers to a suite, on every task and under every protocol."""

from typing import Any

from vistok.chain.results import (
    answer_inputs,
    check_predictions,
    forget_answers,
    references_digest,
    write_metrics,
)
from vistok.evaluation.score.predictions import read_predictions
from vistok.evaluation.score.scoring import score_answers
from vistok.grid.paths import Paths
from vistok.grid.runs import Subject
from vistok.grid.study import Study
from vistok.grid.tasks import Task
from vistok.steps.asking import TaskQuestions, ask_each


def run(study: Study, subject: Subject, suite: str) -> None:
    """Writes a run's metrics.json for every task of a suite.

    Raises:
        VistokError: predictions are missing, were changed, or are of another checkpoint or other questions.
    """
    paths = Paths(study)
    tasks = study.suite(suite)
    questions_of = ask_each(study, [task.id for task in tasks])
    for task in tasks:
        task_questions = questions_of[task.id]
        predictions = paths.predictions(subject, task.id)
        inputs = {"predictions": check_predictions(predictions, answer_inputs(study, subject, task))}
        questions = task_questions.references
        answers = read_predictions(
            predictions, questions.ids, allow_missing=False, identities=questions.identities
        )
        report = cell(study, task, task_questions, {"answers": answers}) | {
            "run": subject.path,
            "inputs": inputs,
        }
        write_metrics(paths.metrics(subject, task.id), report)
    forget_answers(paths.answers_under_way(subject, suite))


def cell(
    study: Study, task: Task, questions: TaskQuestions, answers: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Returns the content of metrics.json: each set of answers under each protocol, or why there is none."""
    report: dict[str, Any] = {
        "task": task.id,
        "metric": task.metric,
        "protocol": task.protocol,
        "n": len(questions.references.ids),
        "of": len(questions.references.full_set),
        "reason": questions.reason,
        "prompt": task.prompt,
        "decoding": task.decoding and task.decoding.model_dump(mode="json"),
        "references": references_digest(study, task),
    }
    return report | {
        name: scores(study, task, questions, part, by_image=name == "answers")
        for name, part in answers.items()
    }


def scores(
    study: Study, task: Task, questions: TaskQuestions, answers: dict[str, Any], *, by_image: bool = False
) -> dict[str, Any]:
    """Returns one set of answers under each protocol; nothing where no question is asked.

    `by_image`: whether each image's values are told too, under the protocol that tables print.
    """
    if not questions.references.ids:
        return {}
    return score_answers(
        questions.references,
        answers,
        protocols=task.protocols,
        resamples=study.scale.bootstrap_resamples,
        by_image=task.protocol if by_image else "",
    )
