"""Reads anybody's predictions, pairs them up with the questions, and trims generations as was released."""

import string
from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, TypeAlias

from vistok.errors import VistokError
from vistok.reading import read_jsonl

QuestionId: TypeAlias = int | str


def postprocess_released(text: str) -> str:
    """Returns a generation trimmed as the released evaluation does it (GVT `modeling_gvt.py`).

    The first sentence is kept, with its full stop put back, after one leading full stop is dropped. Line
    breaks vanish without a space in their place, decimals end at their point, and nothing stays nothing.
    """
    words = [word for word in text.replace(".", " . ").replace("\n", "").strip().split(" ") if word]
    if not words:
        return ""
    if words[0] == ".":
        words = words[1:]
    if "." in words:
        words = words[: words.index(".")]
    return " ".join(words) + "."


def postprocess_released_vqa(text: str) -> str:
    """Returns an answer to a VQA question trimmed as released.

    Its first line, without the punctuation around it, is trimmed as other generations are.
    """
    return postprocess_released(text.strip().split("\n")[0].strip(string.punctuation))


def postprocess_vqa(text: str) -> str:
    """Returns an answer to a VQA question trimmed as released, but without the full stop that is put back.

    The released scorer takes the stop off itself. The official one keeps it where all ten people agree, and
    finds no match there.
    """
    return postprocess_released_vqa(text).removesuffix(".")


def read_predictions(path: Path, ids: Sequence[QuestionId], *, allow_missing: bool) -> dict[str, Any]:
    """Returns the answer to each question, by the text of its id.

    A line is an object with `id` and `answer`, a text, or `losses`, one number an option of a multiple-choice
    question; further keys are passed over. An id may be a number or its text.

    Args:
        path: JSON Lines file.
        ids: the ids of all questions.
        allow_missing: whether a question may go without an answer.

    Raises:
        VistokError: the file cannot be read, or answers are missing, duplicate, unknown or no text; the
            message counts each kind and names its first.
    """
    rows = read_jsonl(path, what="predictions")
    named = [row for row in rows if _is_id(row.get("id"))]
    answers: dict[str, Any] = {}
    for row in named:
        answers.setdefault(str(row["id"]), row.get("answer", row.get("losses")))
    counts = Counter(str(row["id"]) for row in named)
    known = {str(key) for key in ids}
    problems = [
        _problem("lines without an id", [str(row)[:60] for row in rows if not _is_id(row.get("id"))]),
        _problem("ids with several answers", [key for key, count in counts.items() if count > 1]),
        _problem("ids that are no question's", [key for key in counts if key not in known]),
        _problem("answers that are no text", [key for key, said in answers.items() if not _is_answer(said)]),
    ]
    if not allow_missing:
        problems.append(_problem("questions without an answer", missing_ids(ids, answers)))
    if found := [problem for problem in problems if problem]:
        raise VistokError(
            f"{path} does not answer the {len(known)} questions: {'; '.join(found)}. One object a line is "
            'needed, one a question, such as {"id": 1, "answer": "two"}; --only-answered leaves questions without one '
            "out, vistok score --allow-missing scores them as wrong."
        )
    return answers


def missing_ids(ids: Sequence[QuestionId], answers: Mapping[str, Any]) -> list[str]:
    """Returns the ids without an answer, in the order of the questions."""
    return [str(key) for key in ids if str(key) not in answers]


def _is_id(value: object) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _is_answer(value: object) -> bool:
    if isinstance(value, list):
        return len(value) > 1 and all(_is_loss(loss) for loss in value)
    return isinstance(value, str)


def _is_loss(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    except OverflowError:  # a whole number that no float can hold
        return False


def _problem(what: str, found: Sequence[str]) -> str:
    return f"{len(found)} {what} (first: {found[0]})" if found else ""
