"""Reads POPE's questions (Li et al. 2023): whether there is an object of a name in a photograph of COCO."""

import re
from pathlib import Path
from typing import Any, Final

from vistok.datasets.gvtbench import ObjectQuestion
from vistok.datasets.official import refuse_duplicates, wrong_record
from vistok.reading import parse_jsonl

_POPE: Final = "POPE file"
_NUMBERED: Final = re.compile(r"(?<!\d)(\d{12})\.jpg$")
_ANSWERS: Final = {"yes": "Yes.", "no": "No."}


def is_pope(text: str) -> bool:
    """Returns whether a text is JSON Lines, as POPE's files are, and no list as GVTBench's."""
    return text.lstrip()[:1] == "{"


def parse_pope(text: str, path: Path) -> tuple[ObjectQuestion, ...]:
    """Returns the questions of a POPE file in file order; each is known by its `question_id`.

    The file does not say how many objects there are in an image.

    Raises:
        VistokError: the text is not JSON Lines, a record lacks a field, or an id occurs twice.
    """
    rows = parse_jsonl(text, path, what=_POPE)
    questions = tuple(_question(path, number, row) for number, row in enumerate(rows, start=1))
    refuse_duplicates(path, "questions", "question_id", rows)
    return questions


def _question(path: Path, number: int, row: dict[str, Any]) -> ObjectQuestion:
    match row:
        case {
            "question_id": int() as key,
            "image": str() as image,
            "text": str() as question,
            "label": "yes" | "no" as label,
        } if not isinstance(key, bool):
            number_in_name = _NUMBERED.search(image)
            photograph = int(number_in_name[1]) if number_in_name else image
            return ObjectQuestion(key, photograph, question, _ANSWERS[label], None)
    raise wrong_record(path, f"record {number}", "question_id, image, text and a label of yes or no are", row)
