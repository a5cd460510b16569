"""Reads the perception half of MME (Fu et al. 2023): ten subtasks, two yes-or-no questions per image.

The official evaluation tool has one text file per subtask and one line per question: the image's name, the question
and the answer, separated by tabs.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from vistok.datasets.official import wrong_record
from vistok.errors import VistokError
from vistok.reading import read_text

_MME: Final = "MME subtask"
# The photographs of some subtasks are in a folder `images` of their own.
SUBTASKS: Final = (
    "existence", "count", "position", "color", "posters", "celebrity", "scene", "landmark", "artwork", "OCR"
)  # fmt: skip
_IMAGES_APART: Final = frozenset({"posters", "celebrity", "scene", "landmark", "artwork"})
ANSWERS: Final = ("Yes", "No")


@dataclass(frozen=True, slots=True)
class MMEQuestion:
    """One of the two questions about an image.

    Attributes:
        question_id: the subtask and the line number, from 1.
        image_id: the path of the image below the released folder.
        answer: Yes or No.
    """

    question_id: str
    image_id: str
    subtask: str
    question: str
    answer: str


def read_mme(folder: Path) -> tuple[MMEQuestion, ...]:
    """Returns the questions of all ten subtasks, in the order of the paper's table.

    Raises:
        VistokError: the folder lacks a subtask's file, or a line or a pair is malformed.
    """
    if absent := [name for name in SUBTASKS if not (folder / f"{name}.txt").is_file()]:
        raise VistokError(
            f"{folder} holds no MME: {len(absent)} of the files of its {len(SUBTASKS)} subtasks are missing (first: "
            f"{absent[0]}.txt). Name the folder of the official evaluation tool that has them, such as "
            "eval_tool/Your_Results."
        )
    return tuple(question for name in SUBTASKS for question in _subtask(folder / f"{name}.txt", name))


def _subtask(path: Path, subtask: str) -> list[MMEQuestion]:
    lines = [line for line in read_text(path, what=_MME).splitlines() if line.strip()]
    questions = [_question(path, subtask, number, line) for number, line in enumerate(lines, start=1)]
    if len(questions) % 2 or any(
        first.image_id != second.image_id for first, second in list(pairwise(questions))[::2]
    ):
        raise VistokError(
            f"{path}: the lines are no pairs of questions about one image, which the score is made of. Fetch the "
            "official file again."
        )
    return questions


def _question(path: Path, subtask: str, number: int, line: str) -> MMEQuestion:
    match [cell.strip() for cell in line.split("\t")]:
        case [image, question, answer, *_] if image and answer.capitalize() in ANSWERS:
            folder = f"{subtask}/images" if subtask in _IMAGES_APART else subtask
            return MMEQuestion(
                f"{subtask}/{number}", f"{folder}/{image}", subtask, question, answer.capitalize()
            )
    raise wrong_record(
        path, f"line {number}", "an image, a question and Yes or No with tabs between are", line
    )
