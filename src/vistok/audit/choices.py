"""Checks a file of four-way questions: whether a text gives its answer away, and whether images were trained on."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from vistok.audit.baselines import RESAMPLES
from vistok.audit.findings import Finding, Group, Scalar, slug
from vistok.datasets.seedbench import DIMENSIONS, LETTERS, ChoiceQuestion, read_choice_questions
from vistok.errors import VistokError
from vistok.evaluation.kind import Questions
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.statistics import bootstrap_interval

CHANCE: Final = 100 / len(LETTERS)
_LONGEST: Final = "longest-option"


@dataclass(frozen=True)
class ChoiceFile:
    """A file of four-way questions under audit; `name` is how findings call it, without a folder of this machine."""

    name: str
    group: Group
    questions: tuple[ChoiceQuestion, ...]

    @property
    def anchor(self) -> str:
        return slug(self.name.removesuffix(".json"))

    @property
    def images(self) -> list[str]:
        return [question.image_id for question in self.questions]


def choice_file(path: Path) -> ChoiceFile:
    """Returns a file of ours; data/mini/seedbench/x.json is called mini/x.json.

    Raises:
        VistokError: the file is wrong, or empty.
    """
    if questions := read_choice_questions(path):
        return ChoiceFile(f"{path.parent.parent.name}/{path.name}", "ours", questions)
    raise VistokError(f"{path} holds no question. Make it again, or leave it out of the audit.")


def check_choice_text(file: ChoiceFile) -> Finding:
    """Scores, by dimension, the letter that is right most often and the longest option, which see no image.

    A text gives nothing away if each of its options is right equally often: then anything that answers from the text
    alone, a language model too, is right about one question in four.
    """
    rows = [row for number in range(1, 1 + len(DIMENSIONS)) if (row := _dimension(file, number))]
    texts = _rights_by_text(file.questions)
    even = sum(len(set(rights)) == 1 for rights in texts.values())
    above_chance = [
        row for row in rows if any(isinstance(v, float) and v > CHANCE for k, v in row.items() if "low" in k)
    ]
    return Finding(
        kind="choice-text",
        anchor=f"{file.anchor}-text",
        group=file.group,
        verdict="doubtful" if above_chance else "clean",
        facts={
            "questions": len(file.questions),
            "images": len(set(file.images)),
            "texts": len(texts),
            "even texts": even,
            "dimensions": len(rows),
            "dimensions told": len(above_chance),
        },
        rows=tuple(rows),
        details={
            "file": file.name,
            "chance": CHANCE,
            "told": [str(row["dimension"]) for row in above_chance],
        },
    )


def _rights_by_text(questions: Sequence[ChoiceQuestion]) -> dict[tuple[str, ...], list[int]]:
    """Returns how often each option is right, by the question and its options."""
    rights: dict[tuple[str, ...], list[int]] = {}
    for each in questions:
        counts = rights.setdefault((each.question, *each.options), [0] * len(LETTERS))
        counts[LETTERS.index(each.answer)] += 1
    return rights


def _dimension(file: ChoiceFile, number: int) -> dict[str, Scalar]:
    """Returns what two viewers of the text score in one dimension, with their intervals; nothing without questions."""
    questions = [question for question in file.questions if question.dimension == number]
    if not questions:
        return {}
    answers = [question.answer for question in questions]
    letter = min(LETTERS, key=lambda each: (-Counter(answers)[each], each))
    longest = task_kind("choice").blind(Questions(questions, [""] * len(questions)), None)[_LONGEST]
    row: dict[str, Scalar] = {
        "dimension": DIMENSIONS[number - 1],
        "questions": len(questions),
        "letter": letter,
    }
    for name, guesses in (("letter", [letter] * len(questions)), ("longest", longest)):
        right = np.where(np.array(guesses) == np.array(answers), 100.0, 0.0)
        low, high = bootstrap_interval(
            right, [question.image_id for question in questions], resamples=RESAMPLES
        )
        row |= {f"{name}, %": round(float(right.mean()), 2), f"{name}, low": low, f"{name}, high": high}
    return row
