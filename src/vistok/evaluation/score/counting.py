"""Scores answers to "How many {obj} are there in the image?" (object counting, OC).

`released` extracts a number from an answer exactly as the evaluation released with the paper does
(GVT `evaluations/count.py`), bugs included; `corrected` reads it as a person would.
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from vistok.datasets.gvtbench import ObjectQuestion
from vistok.evaluation.score.base import CORRECTED, RELEASED, Answers, Scored, Values, check, share
from vistok.evaluation.score.final import UNSPACED, final_answer, stated

PROTOCOLS: Final = {"corrected": CORRECTED, "released": RELEASED}

# The order is part of the rule, and so is "nive": "nine" is never read, and counts as 0.
_RELEASED_WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nive")
_RELEASED_NUMBERS = {word: number for number, word in enumerate(_RELEASED_WORDS)}

# Any number above this counts as this, and is wrong: no photograph shows a million objects.
LARGEST = 10**6

_TO_NINETEEN = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_NUMBERS = {word: number for number, word in enumerate(_TO_NINETEEN.split())}
_NUMBERS |= {word: 10 * number for number, word in enumerate(_TENS.split(), start=2)}
# A long dash may stand for a hyphen, and may begin a new clause ("twenty - one of them is red").
_JOINED = r"(?: [\s-]? | \s-\s (?= \w+\b (?! \s (?: of | is | are | was | were ) \b ) ) )"
_NUMBER = re.compile(
    rf"""
    (?P<less> (?<! [\w)] ) - (?= \d | {"|".join(_NUMBERS)} )
        | \b (?: minus | negative | between | from ) \s | (?<! \S ) [.,] (?= \d )
        | \b (?: more | fewer | less | greater | other ) \s than \s | < \s? | (?<! [=-] ) > )?
    (?: \b | (?<= [{UNSPACED}] ) ) (?! (?: (?<= \bnot\s ) | (?<= n't\s ) ) [\w] )
    (?: (?P<digits> \d{{1,3}} (?:[,' \u2019]\d{{3}})+ (?! [,\d] ) | \d+ )
        | (?P<tens> {"|".join(_TENS.split())} ) {_JOINED} (?P<ones> {"|".join(list(_NUMBERS)[1:10])} )
        | (?! (?<= \bno[\s-] ) one \b ) (?P<word> {"|".join(_NUMBERS)} )
    ) (?: \b | (?= [{UNSPACED}] ) )
    (?P<more>
        [\s-] (?: dozen | hundred | thousand | million | billion ) s? \b
        | [.\u066b\u00b7\u2027\u22c5] (?! 0{{1,2}} (?! \d ) ) \d  # 2.5, but for 2.0
        | , \d{{1,2}} (?! [,\d] )  # 2,5, but for 1,2,3
        | (?: , \d\d )+ , \d{{3}} \b  # 1,00,000
        | \s? [+^\u00d7] \s? \d | \s to \s (?: \d | (?: {"|".join(_NUMBERS)} ) \b )
        | (?: \s \d+ )? \s? [/\u2044] \s? \d
        | [\s-] and [\s-] a [\s-] half \b
        | [\s-] (?: and [\s-] )? (?: half | halves | thirds? | quarters? ) (?= \s of \b | \W* \Z )  # no half moons
        | \s point \s | \s? % | \s? per \s? cent \b
        | : \d | \s? [-~\u301c] \s? \d | - (?: first | second | fourth | fifth | sixth | seventh | eighth | ninth ) \b
    )?
    """,
    re.IGNORECASE | re.VERBOSE,
)
_NOTHING = re.compile(r"\b(?:no|none)\b", re.IGNORECASE)


def read_released(answer: str) -> int:
    """Returns the number that the released evaluation reads, at most `LARGEST`; 0 where it reads none.

    It replaces number words wherever the letters stand, in lower case only ("phones" -> "ph1s",
    "None." -> "N1."), then takes the first run of digits.
    """
    for word, number in _RELEASED_NUMBERS.items():
        answer = answer.replace(word, str(number))
    digits = re.search(r"\d+", answer)
    return _value(digits.group()) if digits else 0


def read_corrected(answer: str) -> int | None:
    """Returns the first number of the final answer, at most `LARGEST`, or None where there is none.

    Where it says what the answer is ("Answer: 3"), the number behind the last such words counts.

    A number is digits, with commas or spaces between thousands or without, or whole words up to ninety-nine; "no one",
    "not one" and "isn't one" hold none. One that goes on, such as "two dozen" or "3 hundred", and one that is no
    count, such as 2.5, -1, 1/2, 50 %, 2 + 1, "more than 2" or the ranges 2-3 and "2 to 3", is not read, nor is what
    follows it; one behind "not" is passed over. Where an answer holds no
    number it is 0 if it says no or none ("There are no cars").
    """
    answer = stated(final_answer(answer))
    match = _NUMBER.search(answer)
    if not match:
        return 0 if _NOTHING.search(answer) else None
    if match["less"] or match["more"]:
        return None
    if match["digits"]:
        return _value(re.sub(r"\D", "", match["digits"]))
    words = (match["word"] or match["tens"], match["ones"] or "zero")
    return sum(_NUMBERS[word.lower()] for word in words)


def _value(digits: str) -> int:
    # int() refuses thousands of digits at once; one by one, for \d finds those of every script.
    significant = "".join(str(int(digit)) for digit in digits).lstrip("0")
    return LARGEST if len(significant) >= len(str(LARGEST)) else int(significant or "0")


def score_counting(
    references: Sequence[ObjectQuestion], answers: Answers, protocol: str = "corrected"
) -> Scored:
    """Returns the accuracy in per cent, and MAE and RMSE in objects, overall and by true count.

    An answer without a number counts as wrong and, for MAE and RMSE, as 0 objects; `unparsed` is the per cent
    of such answers (the released rule cannot tell them from 0). A number of a million or more counts as wrong
    and, for MAE and RMSE, as a million.

    Raises:
        VistokError: the protocol is unknown, or references and answers do not pair up.
    """
    check("counting", protocol, PROTOCOLS, references, answers)
    read = read_released if protocol == "released" else read_corrected
    numbers = [None if answer is None else read(answer) for answer in answers]
    truth = np.array([_value(reference.answer) for reference in references], dtype=np.float64)
    counts = np.array([number or 0 for number in numbers], dtype=np.float64)
    missing = np.array([number is None for number in numbers])
    values = 100.0 * ((counts == truth) & ~missing & (counts < LARGEST))
    # The released evaluation reports bins of three counts.
    bins = truth.astype(int) // 3
    return Scored(
        "accuracy",
        _metrics(values, counts - truth) | {"unparsed": share(missing)},
        values,
        tuple(reference.image_id for reference in references),
        {
            f"{3 * number}-{3 * number + 2}": _metrics(values[in_bin], (counts - truth)[in_bin])
            | {"n": float(in_bin.sum())}
            for number in np.unique(bins)
            for in_bin in [bins == number]
        },
    )


def _metrics(values: Values, errors: Values) -> dict[str, float]:
    return {
        "accuracy": float(values.mean()),
        "MAE": float(np.abs(errors).mean()),
        "RMSE": float(np.sqrt(np.square(errors).mean())),
    }
