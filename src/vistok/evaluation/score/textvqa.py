"""Scores answers to TextVQA's questions as its authors do (Pythia's and MMF's `TextVQAAccuracyEvaluator`).

Like VQAv2's accuracy, it averages `min(1, matches / 3)` over the ten ways to leave one person out. Both sides are
always normalised, and words are split first: small letters, no commas and question marks, `'s` apart.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from vistok.datasets.textvqa import PEOPLE, TextVQAQuestion
from vistok.evaluation.score.base import OFFICIAL, Answers, Scored, check
from vistok.evaluation.score.vqa import leave_one_out, normalise

PROTOCOLS: Final = {"official": OFFICIAL}


def score_textvqa(
    references: Sequence[TextVQAQuestion], answers: Answers, protocol: str = "official"
) -> Scored:
    """Returns the accuracy, in per cent.

    Raises:
        VistokError: the protocol is unknown, or references and answers do not pair up.
    """
    check("textvqa", protocol, PROTOCOLS, references, answers)
    values = np.array(
        [
            0.0 if answer is None else 100.0 * leave_one_out(_matches(reference.answers, answer), PEOPLE)
            for reference, answer in zip(references, answers, strict=True)
        ]
    )
    images = tuple(reference.image_id for reference in references)
    return Scored("accuracy", {"accuracy": float(values.mean())}, values, images, {})


def _matches(people: Sequence[str], answer: str) -> int:
    return [_normalised(person) for person in people].count(_normalised(answer))


def _normalised(text: str) -> str:
    return normalise(text.lower().replace(",", "").replace("?", "").replace("'s", " 's").strip())
