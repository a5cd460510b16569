"""Draws Figure 4: answers to OC and MCI of two models that differ in FD, with the truth, drawn by a seed."""

import numpy as np

from vistok.datasets.images import load_image
from vistok.errors import VistokError
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.score.predictions import read_predictions
from vistok.files import staged_file, write_text
from vistok.grid.pairs import Pair, shown_pair
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.grid.tasks import Task
from vistok.pages.figures import ShownQuestion, draw_answers
from vistok.steps.asking import ask
from vistok.tables.questions import draw, judge

ACROSS = 4  # questions a task: each task is a line
SEED = 0


def run(study: Study) -> None:
    """Writes `paper_tables/<results>/figure-4.{svg,png}`.

    Raises:
        VistokError: no two runs differ in their tokenizer alone, no fine-grained question is asked, or predictions are
            wrong.
    """
    pair = shown_pair(study)
    if pair is None:
        raise VistokError(
            "Figure 4 compares two runs that differ in their tokenizer: no table has two. Add a row."
        )
    shown = [entry for task in fine_grained(study) for entry in _of_task(study, pair, task)]
    vector, picture = draw_answers(shown, ACROSS)
    write_text(Paths(study).figure(4, "svg"), vector)
    with staged_file(Paths(study).figure(4, "png")) as partial:
        partial.write_bytes(picture)


def fine_grained(study: Study) -> list[Task]:
    """Returns the tasks of Figure 4: those about objects, that both runs answer."""
    pair, suites = shown_pair(study), study.suites_by_subject()
    shared = set.intersection(*(set(suites[run]) for run in pair.runs)) if pair else set()
    return [
        task for task in study.answered_tasks() if task.suite in shared and task_kind(task.kind).fine_grained
    ]


def _of_task(study: Study, pair: Pair, task: Task) -> list[ShownQuestion]:
    questions = ask(study, task.id)
    drawn, paths = draw(task, questions.references, questions.prompts, ACROSS, SEED), Paths(study)
    ids, identities = questions.references.ids, questions.references.identities
    judged = [
        judge(
            drawn,
            read_predictions(
                paths.predictions(run, task.id), ids, allow_missing=False, identities=identities
            ),
        )
        for run in pair.runs
    ]
    labels = [study.models_study.tokenizer(run.tokenizer).label.partition(" (")[0] for run in pair.runs]
    return [
        ShownQuestion(
            np.asarray(load_image(questions.images[record.image_id], what="photograph")),
            task.label,
            record.question,
            drawn.truths[index][0],
            tuple(
                (label, answers[index].text, answers[index].right)
                for label, answers in zip(labels, judged, strict=True)
            ),
        )
        for index, record in enumerate(drawn.references.records)
    ]
