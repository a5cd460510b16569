"""Scores what one run answered to a suite, on every task and under every protocol."""

from typing import Any

from vistok.evaluation.score.predictions import read_predictions
from vistok.evaluation.score.scoring import score_answers
from vistok.files import digest_file, write_json
from vistok.grid.load import Study
from vistok.grid.paths import Paths
from vistok.grid.values import Run, Task
from vistok.steps.asking import Asked, ask


def run(study: Study, wanted: Run, suite: str) -> None:
    """Writes a run's metrics.json for every task of a suite."""
    paths = Paths(study)
    for task in study.suite(suite):
        asked = ask(study, task.id)
        predictions = paths.predictions(wanted, task.id)
        answers = read_predictions(predictions, asked.references.ids, allow_missing=False)
        inputs = {"predictions": digest_file(predictions)}
        report = cell(study, task, asked, {"answers": answers}) | {"run": wanted.path, "inputs": inputs}
        write_json(paths.metrics(wanted, task.id), report)


def cell(study: Study, task: Task, asked: Asked, answers: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Returns what metrics.json holds: each set of answers under each protocol, or why there is none."""
    files = study.task_files(task.id)
    references = Paths(study).data / files.references if files else None
    report: dict[str, Any] = {
        "task": task.id,
        "metric": task.metric,
        "protocol": task.protocol,
        "n": len(asked.references.ids),
        "of": len(asked.references.whole),
        "reason": asked.reason,
        "prompt": task.prompt,
        "decoding": task.decoding.model_dump(mode="json"),
        "references": digest_file(references) if references and references.is_file() else None,
    }
    return report | {name: scores(study, task, asked, given) for name, given in answers.items()}


def scores(study: Study, task: Task, asked: Asked, given: dict[str, Any]) -> dict[str, Any]:
    """Returns one set of answers under each protocol; nothing where no question is asked."""
    if not asked.references.ids:
        return {}
    return score_answers(
        asked.references, given, protocols=task.protocols, resamples=study.scale.bootstrap_resamples
    )
