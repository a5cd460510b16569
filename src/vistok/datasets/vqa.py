"""Reads VQAv2's annotation and question files."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vistok.datasets.official import records, refuse_duplicates, wrong_record
from vistok.errors import VistokError
from vistok.reading import read_json

_ANNOTATIONS = "VQAv2 annotations file"
_QUESTIONS = "VQAv2 questions file"
_PEOPLE = 10


@dataclass(frozen=True, slots=True)
class VQAAnnotation:
    """The answers to one question, one per annotator (ten).

    The multiple-choice answer is the most frequent of them.
    """

    question_id: int
    image_id: int
    question_type: str
    answer_type: str
    answers: tuple[str, ...]
    multiple_choice_answer: str


@dataclass(frozen=True, slots=True)
class VQAQuestion:
    """One open-ended question about an image."""

    question_id: int
    image_id: int
    question: str


def read_annotations(path: Path) -> tuple[VQAAnnotation, ...]:
    """Returns the annotations in file order (.json or .json.gz).

    Excerpts that keep only `question_id` and `answers` are read too: the image is then the question id
    without its last three digits (VQAv2's numbering), the multiple-choice answer the most frequent one,
    and the types are empty.

    Raises:
        VistokError: the file is missing, truncated, or has another shape, or an annotation does not have ten answers:
            with fewer or more, VQA accuracy is another measure.
    """
    rows = records(path, read_json(path, what=_ANNOTATIONS), "annotations", what=_ANNOTATIONS)
    annotations = tuple(_annotation(path, position, row) for position, row in enumerate(rows))
    refuse_duplicates(path, "annotations", "question_id", rows)
    return annotations


def read_texts(path: Path, question_ids: Iterable[int], annotations: Path) -> list[str]:
    """Returns the text of each question that `annotations` answers, in the order of `question_ids`.

    Raises:
        VistokError: the file is malformed, or lacks a question.
    """
    texts, ids = {entry.question_id: entry.question for entry in read_questions(path)}, list(question_ids)
    if absent := [key for key in ids if key not in texts]:
        raise VistokError(
            f"{path} lacks {len(absent)} questions of {annotations} (first: question_id {absent[0]}). The two files "
            "must belong together."
        )
    return [texts[key] for key in ids]


def read_questions(path: Path) -> tuple[VQAQuestion, ...]:
    """Returns the questions in file order (.json or .json.gz).

    Raises:
        VistokError: the file is missing, truncated, or of another shape.
    """
    rows = records(path, read_json(path, what=_QUESTIONS), "questions", what=_QUESTIONS)
    questions = tuple(_question(path, position, row) for position, row in enumerate(rows))
    refuse_duplicates(path, "questions", "question_id", rows)
    return questions


def _annotation(path: Path, position: int, row: dict[str, Any]) -> VQAAnnotation:
    match row:
        case {"answers": [*entries]} if len(entries) != _PEOPLE:
            needed = f"{_PEOPLE} answers, one per annotator, are"
            raise wrong_record(path, f"annotation {position}", needed, f"{len(entries)} in {row}")
        case {"question_id": int() as question_id, "answers": [*entries]}:
            answers = _texts(entries)
            types = [row.get(key, "") for key in ("question_type", "answer_type")]
            choice = row.get("multiple_choice_answer", max(answers, key=answers.count, default=""))
            image_id = row.get("image_id", question_id // 1000)
            if len(answers) == len(entries) and isinstance(image_id, int):
                return VQAAnnotation(
                    question_id, image_id, str(types[0]), str(types[1]), answers, str(choice)
                )
    raise wrong_record(path, f"annotation {position}", "question_id, image_id and answers are", row)


def _texts(entries: list[object]) -> tuple[str, ...]:
    return tuple(
        entry["answer"]
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("answer"), str)
    )


def _question(path: Path, position: int, row: dict[str, Any]) -> VQAQuestion:
    match row:
        case {
            "question_id": int() as question_id,
            "image_id": int() as image_id,
            "question": str() as question,
        }:
            return VQAQuestion(question_id, image_id, question)
    raise wrong_record(path, f"question {position}", "question_id, image_id and question are", row)
