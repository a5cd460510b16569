"""The questions of a task that a page shows, and each run's answers: sampled by a seed, never picked by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vistok.evaluation.kinds import task_kind
from vistok.evaluation.references import References
from vistok.evaluation.score.base import Ranked
from vistok.evaluation.score.scoring import score_questions
from vistok.grid.tasks import Task

HALF: Final = 50.0  # of a question's points, which a VQA answer gets that two of ten people gave


@dataclass(frozen=True, slots=True)
class Drawn:
    """The questions of one task that are shown.

    Attributes:
        task: their task.
        references: of these questions.
        prompts: the words after the image.
        truths: the right answers to each.
    """

    task: Task
    references: References
    prompts: tuple[str, ...]
    truths: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to one question; `right` is None if answers are neither right nor wrong, such as captions."""

    text: str
    right: bool | None


def draw(task: Task, references: References, prompts: Sequence[str], most: int, seed: int = 0) -> Drawn:
    """Returns up to `most` questions, each as likely as any other, in the order of their file."""
    indices = drawn_indices(len(references.ids), most, seed)
    subset = References(
        references.kind,
        tuple(references.ids[index] for index in indices),
        tuple(references.records[index] for index in indices),
        references.full_set,
    )
    truths = tuple(tuple(task_kind(task.kind).truth(record)) for record in subset.records)
    return Drawn(task, subset, tuple(prompts[index] for index in indices), truths)


def drawn_indices(among: int, most: int, seed: int = 0) -> list[int]:
    """Returns up to `most` indices below `among`, in ascending order."""
    sample = np.random.default_rng(seed).permutation(among)[:most]
    return sorted(int(index) for index in sample)


def judge(drawn: Drawn, answers: Mapping[str, Any]) -> list[Answered]:
    """Returns each answer to the questions, and whether it is right under the protocol that tables print.

    Args:
        drawn: the questions.
        answers: by the text of a question's id, as `read_predictions` returns them.
    """
    if not drawn.references.ids:
        return []
    in_order = [answers[str(key)] for key in drawn.references.ids]
    texts = [
        as_text(answer, record, drawn.task)
        for answer, record in zip(in_order, drawn.references.records, strict=True)
    ]
    if task_kind(drawn.task.kind).metric != "accuracy":
        return [Answered(text, None) for text in texts]
    scored = score_questions(drawn.references, answers, drawn.task.protocol)
    return [Answered(text, bool(value >= HALF)) for text, value in zip(texts, scored.values, strict=True)]


def as_text(answer: Any, record: Any, task: Task) -> str:
    """Returns an answer as text; of ranked options, the likeliest."""
    losses = answer.losses if isinstance(answer, Ranked) else answer
    if isinstance(losses, str):
        return losses
    return task_kind(task.kind).options(record)[int(np.argmin(losses))]
