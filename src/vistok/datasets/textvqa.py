"""Reads TextVQA's question files (Singh et al. 2019), such as TextVQA_0.5.1_val.json."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vistok.datasets.official import records, refuse_duplicates, wrong_record
from vistok.reading import read_json

_TEXTVQA: Final = "TextVQA questions file"
PEOPLE: Final = 10


@dataclass(frozen=True, slots=True)
class TextVQAQuestion:
    """One question about the text in a photograph of OpenImages, with the answers of ten people.

    Attributes:
        image_id: the name of the photograph's file in TextVQA's own folder of images.
    """

    question_id: int
    image_id: str
    question: str
    answers: tuple[str, ...]


def read_textvqa(path: Path) -> tuple[TextVQAQuestion, ...]:
    """Returns the questions in file order.

    Raises:
        VistokError: the file is missing or has no list `data`, two questions have the same id, or one does not have
            ten answers, such as those of the test split, whose answers are not published.
    """
    rows = records(path, read_json(path, what=_TEXTVQA), "data", what=_TEXTVQA)
    questions = tuple(_question(path, number, row) for number, row in enumerate(rows))
    refuse_duplicates(path, "data", "question_id", rows)
    return questions


def _question(path: Path, number: int, row: dict[str, Any]) -> TextVQAQuestion:
    match row:
        case {
            "question_id": int() as key,
            "image_id": str() as image,
            "question": str() as question,
            "answers": [*answers],
        } if len(answers) == PEOPLE and all(isinstance(answer, str) for answer in answers):
            return TextVQAQuestion(key, f"{image}.jpg", question, tuple(answers))
    raise wrong_record(
        path, f"question {number}", f"question_id, image_id, question and {PEOPLE} answers are", row
    )
