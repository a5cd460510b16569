"""Scores open-ended answers to VQAv2 questions against the answers of ten people.

All protocols average, over the ten ways to leave one person out, `min(1, matches / 3)` (Antol et al. 2015).
They differ in what a match is:

| protocol | source | a match | normalised |
|---|---|---|---|
| official | GT-Vision-Lab/VQA `vqaEval.py` | equality | both sides, only where the ten disagree |
| lavis | LAVIS `vqa_eval.py` | equality | the prediction always; people's punctuation where they disagree |
| released | GVT `vqa_eval.py` | a person's answer is part of the prediction | as lavis, letter case ignored |
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from vistok.datasets.vqa import VQAAnnotation
from vistok.evaluation.score.base import OFFICIAL, RELEASED, Answers, Scored, check, split

PROTOCOLS: Final = {"official": OFFICIAL, "released": RELEASED, "lavis": "the scorer of the LAVIS library"}

_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_DIGIT_COMMA_DIGIT = re.compile(r"\d,\d")
_PERIOD = re.compile(r"\.(?!\d)")
# The original hands the flag re.UNICODE over in the place of the count, whose value it is.
_MOST_PERIODS = int(re.UNICODE)
_ARTICLES = frozenset(("a", "an", "the"))
_TO_TEN = "zero one two three four five six seven eight nine ten"
_NUMBERS = {word: str(number) for number, word in enumerate(_TO_TEN.split())} | {"none": "0"}
_CONTRACTIONS = """
    ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't
    he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've
    mustn't must've needn't not've o'clock oughtn't 'ow's'at shan't she'd've should've shouldn't
    shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've someone'll someone's
    something'd something'd've something'll that's there'd there'd've there're there's they'd they'd've
    they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've when's where'd
    where's where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't
    wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've
"""


def _without_one_apostrophe(word: str) -> list[str]:
    return [word[:index] + word[index + 1 :] for index, letter in enumerate(word) if letter == "'"]


# The official list puts back a single missing apostrophe, and takes one away from "somebody'd".
CONTRACTIONS = {typed: word for word in _CONTRACTIONS.split() for typed in _without_one_apostrophe(word)} | {
    "somebody'd": "somebodyd"
}


@lru_cache(maxsize=1 << 20)
def strip_punctuation(text: str) -> str:
    """Returns `text` without punctuation, as the official tool does it.

    A mark is deleted where it touches a space anywhere in the text, or where the text holds a comma between
    digits anywhere; else it becomes a space. Of the periods that no digit follows, the first 32 go.
    """
    stripped = text
    thousands = _DIGIT_COMMA_DIGIT.search(text) is not None
    for mark in _PUNCTUATION:
        if mark in text:
            deleted = thousands or f"{mark} " in text or f" {mark}" in text
            stripped = stripped.replace(mark, "" if deleted else " ")
    return _PERIOD.sub("", stripped, count=_MOST_PERIODS)


@lru_cache(maxsize=1 << 20)
def normalise(text: str) -> str:
    """Returns `text` without punctuation and articles, numbers up to ten as digits, apostrophes put back."""
    words = (_NUMBERS.get(word, word) for word in strip_punctuation(_one_line(text)).lower().split())
    return " ".join(CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES)


def _one_line(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ").strip()


def _official_matches(human_answers: Sequence[str], answer: str) -> int:
    human_answers, answer = [_one_line(each) for each in human_answers], _one_line(answer)
    if len(set(human_answers)) > 1:
        human_answers, answer = [normalise(each) for each in human_answers], normalise(answer)
    return human_answers.count(answer)


def _without_punctuation(human_answers: Sequence[str]) -> Sequence[str]:
    return (
        [strip_punctuation(each) for each in human_answers] if len(set(human_answers)) > 1 else human_answers
    )


def _lavis_matches(human_answers: Sequence[str], answer: str) -> int:
    return _without_punctuation(human_answers).count(normalise(answer))


def _released_matches(human_answers: Sequence[str], answer: str) -> int:
    normalised = normalise(answer.lower()).lower()
    return sum(each.lower() in normalised for each in _without_punctuation(human_answers))


_MATCHES = {"official": _official_matches, "released": _released_matches, "lavis": _lavis_matches}


@lru_cache(maxsize=1 << 10)
def leave_one_out(matches: int, annotators: int) -> float:
    """Returns the VQA accuracy, 0..1, of an answer that `matches` of `annotators` gave."""
    one_of_them = matches * min(1.0, (matches - 1) / 3) if matches else 0.0
    return (one_of_them + (annotators - matches) * min(1.0, matches / 3)) / annotators


def score_vqa(references: Sequence[VQAAnnotation], answers: Answers, protocol: str = "official") -> Scored:
    """Returns the VQA accuracy, in per cent, overall and by answer type.

    Raises:
        VistokError: the protocol is unknown, or references and answers do not pair up.
    """
    check("vqa", protocol, PROTOCOLS, references, answers)
    matches = _MATCHES[protocol]
    values = np.array(
        [
            0.0
            if answer is None
            else 100.0 * leave_one_out(matches(reference.answers, answer), len(reference.answers))
            for reference, answer in zip(references, answers, strict=True)
        ]
    )
    return Scored(
        "accuracy",
        {"accuracy": float(values.mean())},
        values,
        tuple(reference.image_id for reference in references),
        split(values, [reference.answer_type for reference in references]),
    )
