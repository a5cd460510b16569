"""Reads GQA's question files (Hudson and Manning 2019), such as testdev_balanced_questions.json."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vistok.datasets.official import wrong_record
from vistok.errors import VistokError
from vistok.reading import read_json

_GQA: Final = "GQA questions file"


@dataclass(frozen=True, slots=True)
class GQAQuestion:
    """One question about a photograph of Visual Genome, with the one answer that is right.

    Attributes:
        image_id: the name of the photograph's file in GQA's own folder of images.
        structure: of the question: verify, query, choose, logical or compare; "" where the file does not say it.
    """

    question_id: str
    image_id: str
    question: str
    answer: str
    structure: str


def read_gqa(path: Path) -> tuple[GQAQuestion, ...]:
    """Returns the questions in file order.

    Raises:
        VistokError: the file is missing, is not an object of questions by their ids, or a question lacks a field, as
            those of the test split, whose answers are not published.
    """
    value = read_json(path, what=_GQA)
    if not isinstance(value, dict):
        raise VistokError(
            f"{path} is no {_GQA}: an object of questions by their ids is needed, found a JSON "
            f"{type(value).__name__}. Name the official file, such as testdev_balanced_questions.json."
        )
    return tuple(_question(path, key, row) for key, row in value.items())


def _question(path: Path, key: str, row: Any) -> GQAQuestion:
    match row:
        case {"imageId": str() as image, "question": str() as question, "answer": str() as answer}:
            types = row.get("types")
            structure = types.get("structural") if isinstance(types, dict) else None
            return GQAQuestion(key, f"{image}.jpg", question, answer, str(structure or ""))
    raise wrong_record(path, f"question {key}", "imageId, question and answer are", row)
