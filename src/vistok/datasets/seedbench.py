"""Reads SEED-Bench's multiple-choice questions (arXiv 2307.16125)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vistok.datasets.official import wrong_record
from vistok.errors import VistokError
from vistok.reading import read_json

LETTERS: Final = "ABCD"
_STILL: Final = {"image": True, "video": False}
# Dimensions 1 to 12 as they are named since the file was corrected.
DIMENSIONS = (
    "Scene Understanding",
    "Instance Identity",
    "Instance Attributes",
    "Instance Location",
    "Instances Counting",
    "Spatial Relation",
    "Instance Interaction",
    "Visual Reasoning",
    "Text Understanding",
    "Action Recognition",
    "Action Prediction",
    "Procedure Understanding",
)


@dataclass(frozen=True, slots=True)
class ChoiceQuestion:
    """One SEED-Bench question: its id, image or video, dimension 1-12, four options and the right letter.

    `still`: whether it is about one image; the others are about a video.
    """

    question_id: str
    image_id: str
    dimension: int
    question: str
    options: tuple[str, str, str, str]
    answer: str
    still: bool = True


def read_choice_questions(path: Path) -> tuple[ChoiceQuestion, ...]:
    """Returns the questions of a SEED-Bench JSON file in file order.

    Raises:
        VistokError: the file is missing, is not a SEED-Bench file, or a record lacks a field.
    """
    content = read_json(path, what="SEED-Bench questions")
    rows = content.get("questions") if isinstance(content, dict) else content
    if not isinstance(rows, list):
        raise VistokError(f"{path} is not a SEED-Bench file: an object with a list `questions` is needed.")
    return tuple(_question(path, position, row) for position, row in enumerate(rows))


def _text(value: object) -> str:
    """Returns a text or a number as text: SEED-Bench 2 has lists of images, which are another task."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(f"no text: {value}")
    return str(value)


def _question(path: Path, position: int, row: Any) -> ChoiceQuestion:
    try:
        a, b, c, d = (_text(row[f"choice_{letter}"]) for letter in "abcd")
        question = ChoiceQuestion(
            _text(row["question_id"]),
            _text(row["data_id"]),
            int(_text(row["question_type_id"])),
            _text(row["question"]),
            (a, b, c, d),
            row["answer"],
            _STILL[row.get("data_type", "image")],
        )
    except (KeyError, TypeError, ValueError) as error:
        needed = (
            "question_id, data_id (of one image or video), question_type_id (a number), question, choice_a to "
            "choice_d, answer and, if it is there, a data_type of image or video are"
        )
        raise wrong_record(path, f"question {position}", needed, row) from error
    if question.answer not in tuple(LETTERS) or not 1 <= question.dimension <= len(DIMENSIONS):
        raise VistokError(
            f"{path}, question {position}: answer {question.answer!r} and question_type_id {question.dimension}; "
            f"legal: A to D, and 1 to {len(DIMENSIONS)}."
        )
    return question
