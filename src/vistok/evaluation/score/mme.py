"""Scores the perception half of MME as its own tool does (`calculation.py`).

A subtask's score is the share of right answers plus the share of images of which both answers are right, each in per
cent; MME's is the sum over the ten subtasks: 2,000 at most, 500 for a constant answer.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from vistok.datasets.mme import MMEQuestion
from vistok.evaluation.score.base import OFFICIAL, Answers, Scored, Values, check

PROTOCOLS: Final = {"official": OFFICIAL}
_HEAD: Final = 4  # letters of an answer that the tool looks at


def verdict(answer: str | None) -> str | None:
    """Returns Yes or No as the tool reads an answer; None where it finds neither in its first four letters."""
    head = (answer or "").lower()[:_HEAD]
    return "Yes" if "yes" in head else "No" if "no" in head else None


def score_mme(references: Sequence[MMEQuestion], answers: Answers, protocol: str = "official") -> Scored:
    """Returns the score, the accuracy in per cent, and both of each subtask.

    A question's value is its share of its subtask's score times the number of all questions, so that the mean is the
    sum over the subtasks that are asked about.

    Raises:
        VistokError: the protocol is unknown, or references and answers do not pair up.
    """
    check("mme", protocol, PROTOCOLS, references, answers)
    right = np.array([verdict(answer) == ref.answer for ref, answer in zip(references, answers, strict=True)])
    wrong_images = {ref.image_id for ref, hit in zip(references, right, strict=True) if not hit}
    both = np.array([ref.image_id not in wrong_images for ref in references])
    points = 100.0 * right + 100.0 * both
    sizes = Counter(ref.subtask for ref in references)
    values = points * [len(references) / sizes[ref.subtask] for ref in references]
    return Scored(
        "score",
        {"score": float(values.mean()), "accuracy": 100.0 * float(right.mean())},
        values,
        tuple(ref.image_id for ref in references),
        _by_subtask(references, points, right),
    )


def _by_subtask(
    references: Sequence[MMEQuestion], points: Values, right: np.ndarray
) -> dict[str, dict[str, float]]:
    subtasks = np.array([ref.subtask for ref in references])
    return {
        name: {
            "score": float(points[subtasks == name].mean()),
            "accuracy": 100.0 * float(right[subtasks == name].mean()),
            "n": float((subtasks == name).sum()),
        }
        for name in sorted(set(subtasks.tolist()))
    }
