"""Scores answers to GQA's questions: an answer is right if it is the one that the file has.

| protocol | source | a match |
|---|---|---|
| official | GQA's `eval.py` | equality |
| llava | LLaVA `convert_gqa_for_eval.py` | equality, in small letters and without full stops at the end |
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from vistok.datasets.gqa import GQAQuestion
from vistok.evaluation.score.base import OFFICIAL, Answers, Scored, check, split

PROTOCOLS: Final = {
    "official": OFFICIAL,
    "llava": "the same of answers in small letters and without a full stop at the end, as LLaVA hands them to it",
}
_AS_GIVEN: Final[dict[str, Callable[[str], str]]] = {
    "official": str,
    "llava": lambda answer: answer.rstrip(".").lower(),
}


def score_gqa(references: Sequence[GQAQuestion], answers: Answers, protocol: str = "official") -> Scored:
    """Returns the accuracy, in per cent, overall and by the structure of the question.

    Raises:
        VistokError: the protocol is unknown, or references and answers do not pair up.
    """
    check("gqa", protocol, PROTOCOLS, references, answers)
    normalise = _AS_GIVEN[protocol]
    values = np.array(
        [
            100.0 * (answer is not None and normalise(answer) == reference.answer)
            for reference, answer in zip(references, answers, strict=True)
        ]
    )
    return Scored(
        "accuracy",
        {"accuracy": float(values.mean())},
        values,
        tuple(reference.image_id for reference in references),
        split(values, [reference.structure for reference in references]),
    )
