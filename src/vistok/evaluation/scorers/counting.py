"""Scores answers to "How many {obj} are there in the image?" (object counting, OC).

`released` reads a number out of an answer exactly as the evaluation that was released with the paper
(GVT `evaluations/count.py`), slips included; `corrected` reads it as a person would.
"""

import re
from collections.abc import Sequence

import numpy as np

from vistok.datasets.gvtbench import ObjectQuestion
from vistok.evaluation.scorers.base import Answers, Scored, Values, check, share

PROTOCOLS = ("corrected", "released")

# The order is part of the rule, and so is "nive": "nine" is never read, and is taken for 0.
_RELEASED_WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nive")
_RELEASED_NUMBERS = {word: number for number, word in enumerate(_RELEASED_WORDS)}

_TO_TWENTY = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty
"""
_NUMBERS = {word: number for number, word in enumerate(_TO_TWENTY.split())}
_NUMBER = re.compile(rf"\b(?:\d+|{'|'.join(_NUMBERS)})\b", re.IGNORECASE)
_NOTHING = re.compile(r"\b(?:no|none)\b", re.IGNORECASE)


def read_released(answer: str) -> int:
    """Returns the number that the released evaluation reads; 0 where it reads none.

    It replaces number words wherever the letters stand, in lower case only ("phones" -> "ph1s",
    "None." -> "N1."), then takes the first run of digits.
    """
    for word, number in _RELEASED_NUMBERS.items():
        answer = answer.replace(word, str(number))
    digits = re.search(r"\d+", answer)
    return int(digits.group()) if digits else 0


def read_corrected(answer: str) -> int | None:
    """Returns the first number of an answer, as digits or as a whole word up to twenty.

    Without one it is 0 where the answer says no or none ("There are no cars"), else None.
    """
    found = _NUMBER.search(answer)
    if not found:
        return 0 if _NOTHING.search(answer) else None
    word = found.group().lower()
    return int(word) if word.isdigit() else _NUMBERS[word]


def score_counting(
    references: Sequence[ObjectQuestion], answers: Answers, protocol: str = "corrected"
) -> Scored:
    """Returns the accuracy in per cent, and MAE and RMSE in objects, overall and by true count.

    An answer without a number counts as wrong and, for MAE and RMSE, as 0 objects; `unparsed` is the per cent
    of such answers (the released rule cannot tell them from 0).

    Raises:
        VistokError: the protocol is unknown, or references and answers do not pair up.
    """
    check("counting", protocol, PROTOCOLS, references, answers)
    read = read_released if protocol == "released" else read_corrected
    numbers = [None if answer is None else read(answer) for answer in answers]
    truth = np.array([int(reference.answer) for reference in references], dtype=np.float64)
    counts = np.array([number or 0 for number in numbers], dtype=np.float64)
    missing = np.array([number is None for number in numbers])
    values = np.where(missing, 0.0, 100.0 * (counts == truth))
    # The released evaluation reports bins of three counts.
    bins = truth.astype(int) // 3
    return Scored(
        "accuracy",
        _metrics(values, counts - truth) | {"unparsed": share(missing)},
        values,
        tuple(reference.image_id for reference in references),
        {
            f"{3 * number}-{3 * number + 2}": _metrics(values[chosen], (counts - truth)[chosen])
            | {"n": float(chosen.sum())}
            for number in np.unique(bins)
            for chosen in [bins == number]
        },
    )


def _metrics(values: Values, errors: Values) -> dict[str, float]:
    return {
        "accuracy": float(values.mean()),
        "MAE": float(np.abs(errors).mean()),
        "RMSE": float(np.sqrt(np.square(errors).mean())),
    }
