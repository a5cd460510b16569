"""Scores answers to "Does {obj} exist in the image?" (multi-class identification, MCI).

`released` looks for the letters "yes" or "no" anywhere in an answer (GVT `evaluations/multiclass.py`), so
that "I don't know", "another" and "snowboard" are answers of No; `corrected` takes the first whole word of the final
answer that is yes or no.
Precision, recall, F1 and the yes-rate are for the class Yes, as POPE reports them (Li et al. 2023).
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vistok.datasets.gvtbench import ObjectQuestion
from vistok.evaluation.score.base import CORRECTED, RELEASED, Answers, Scored, check, share, split
from vistok.evaluation.score.final import final_answer, stated

PROTOCOLS: Final = {"corrected": CORRECTED, "released": RELEASED}

_YES_OR_NO = re.compile(r"\b(?<!not )(yes|no(?!\s(?:doubt|problem|question|worries)\b))\b", re.IGNORECASE)
# The question's own words, repeated: "Answer yes or no: ..."
_BOTH = re.compile(
    r"\b(?:yes\s*(?:/|\||\bor\b|\band\b)\s*no|no\s*(?:/|\||\bor\b|\band\b)\s*yes)\b", re.IGNORECASE
)


def read_released(answer: str) -> tuple[bool, bool]:
    """Returns whether the released evaluation hears a Yes and whether it hears a No; it can hear both."""
    heard = answer.lower()
    return "yes" in heard, "no" in heard


def read_corrected(answer: str) -> tuple[bool, bool]:
    """Returns (True, False) for Yes, (False, True) for No, and (False, False) for an answer with neither."""
    match = _YES_OR_NO.search(stated(_BOTH.sub("", final_answer(answer))))
    yes = match is not None and match.group().lower() == "yes"
    return yes, match is not None and not yes


def score_identification(
    references: Sequence[ObjectQuestion], answers: Answers, protocol: str = "corrected"
) -> Scored:
    """Returns accuracy, precision, recall, F1, yes-rate and `unparsed`, in per cent.

    `unparsed` are the answers without yes or no. The types are the released evaluation's bins of the number
    of objects in the image.

    Raises:
        VistokError: the protocol is unknown, or references and answers do not pair up.
    """
    check("identification", protocol, PROTOCOLS, references, answers)
    read = read_released if protocol == "released" else read_corrected
    heard = np.array([(False, False) if answer is None else read(answer) for answer in answers])
    yes, no = heard[:, 0], heard[:, 1]
    present = np.array(["Yes" in reference.answer for reference in references])
    right = (present & yes) | (~present & no)
    values = 100.0 * right
    return Scored(
        "accuracy",
        {"accuracy": share(right)} | _detection(present, yes) | {"unparsed": share(~yes & ~no)},
        values,
        tuple(reference.image_id for reference in references),
        split(values, [_crowd(reference.objects_in_image) for reference in references]),
    )


def _detection(present: NDArray[np.bool_], yes: NDArray[np.bool_]) -> dict[str, float]:
    true_positives = present & yes
    precision = share(true_positives, of=int(yes.sum()))
    recall = share(true_positives, of=int(present.sum()))
    both = precision + recall
    return {
        "precision": precision,
        "recall": recall,
        "F1": 2 * precision * recall / both if both else 0.0,
        "yes_rate": share(yes),
    }


def _crowd(objects: int | None) -> str:
    if objects is None:
        return ""
    return "1-9 objects" if objects < 10 else "10-19 objects" if objects < 20 else "20 or more objects"
