"""Reads predictions in any supported shape, and matches them with the questions."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Final, TypeAlias

from vistok.errors import VistokError
from vistok.evaluation.kind import QuestionId
from vistok.evaluation.score.base import Ranked
from vistok.evaluation.score.identity import Identities
from vistok.evaluation.score.shapes import Row, Rows, read_rows

# A file, or answers by the id of their question.
Predictions: TypeAlias = Path | Mapping[QuestionId, Any]
POSITIONS: Final = ("index", "doc_id")


def read_predictions(
    source: Predictions,
    ids: Sequence[QuestionId],
    *,
    allow_missing: bool,
    identities: Identities | None = None,
) -> dict[str, Any]:
    """Returns the answer to each question, by the text of its id.

    A file has one of the shapes of `vistok.evaluation.score.shapes`. An answer is a text or a number, which is its
    text, or a list of losses, one per option of a multiple-choice question, perhaps with the number of each option's
    `tokens` beside it. An id may be a number or its text.

    Args:
        source: JSON Lines, a JSON list, CSV, TSV or XLSX, or one of them gzipped; or answers by the question's id.
        ids: the ids of all questions.
        allow_missing: whether a question may have no answer.
        identities: of the questions; a record's image and question text are compared with them.

    Raises:
        VistokError: the file cannot be read, a record is about another question than the one with its id, or answers
            are missing, duplicate, unknown or no text; the message counts each kind and names its first.
    """
    if isinstance(source, Path):
        path, records = source, read_rows(source, by_image=identities is None or identities.by_image)
    else:
        path = Path("the answers given")
        records = Rows([{"id": key, "answer": answer} for key, answer in source.items()], "id")
    rows = _identified(path, records, identities)
    named = [(str(_plain_id(key)), row) for key, row in rows if _is_id(key)]
    if identities:
        _check_identity(path, named, identities)
    answers: dict[str, Any] = {}
    for key, row in named:
        answers.setdefault(key, _answer(row))
    nameless = [str(row)[:60] for key, row in rows if not _is_id(key)]
    _check_complete(path, [key for key, _ in named], nameless, answers, ids, allow_missing=allow_missing)
    return answers


def _identified(path: Path, records: Rows, identities: Identities | None) -> list[tuple[Any, Row]]:
    """Returns each record with the id of its question; another tool's position must be confirmed by other fields."""
    key = records.id_key
    if identities is None or key not in (None, *POSITIONS):
        return [(row.get(key or "id"), row) for row in records.rows]
    indices = [_index(row.get(key) if key else number) for number, row in enumerate(records.rows)]
    if key is None or list(identities.ids) != list(range(len(identities.ids))):
        _check_confirmed(path, key or "order", indices, records.rows, identities)
    return [
        (identities.ids[index] if index is not None and index < len(identities.ids) else index, row)
        for index, row in zip(indices, records.rows, strict=True)
    ]


def _index(value: Any) -> int | None:
    return int(float(value)) if re.fullmatch(r"\d{1,15}(?:\.0)?", str(value)) else None


def _check_confirmed(
    path: Path, key: str, indices: Sequence[int | None], rows: Sequence[Row], identities: Identities
) -> None:
    """Refuses records that do not confirm the question at their index."""
    unclear = [
        number
        for number, (index, row) in enumerate(zip(indices, rows, strict=True))
        if index is None or index >= len(identities.ids) or not identities.agrees(row, index)
    ]
    if unclear:
        raise VistokError(
            f"{path}: {len(unclear)} of {len(rows)} records are told apart by their {key} alone, and do not say the "
            f"image or the question that the reference has at that position (first: record {unclear[0]}). Give each "
            "record the id of its question."
        )


def _check_identity(path: Path, named: Sequence[tuple[str, Row]], identities: Identities) -> None:
    """Refuses records that name another question than the one with their id."""
    pairs = [(key, row, identities.positions[key]) for key, row in named if key in identities.positions]
    wrong = [(key, row, index) for key, row, index in pairs if identities.agrees(row, index) is False]
    if wrong:
        key, row, index = wrong[0]
        raise VistokError(
            f"{path}: {len(wrong)} of {len(named)} answers are about another image or question than the one with their "
            f"id (first: id {key}: {identities.described(row, index)}). The file may be off by a line, or answer "
            "another file."
        )


def _check_complete(
    path: Path,
    keys: Sequence[str],
    nameless: Sequence[str],
    answers: Mapping[str, Any],
    ids: Sequence[QuestionId],
    *,
    allow_missing: bool,
) -> None:
    """Refuses answers that are missing, duplicate, unknown or no text, all of them in one error."""
    counts, legal = Counter(keys), {str(key) for key in ids}
    problems = [
        _problem("lines without an id", nameless),
        _problem("ids with several answers", [key for key, count in counts.items() if count > 1]),
        _problem("ids that are no question's", [key for key in counts if key not in legal]),
        _problem("answers that are no text", [key for key, each in answers.items() if not _is_answer(each)]),
        "" if allow_missing else _problem("questions without an answer", missing_ids(ids, answers)),
    ]
    if wrong := [problem for problem in problems if problem]:
        raise VistokError(
            f"{path} does not answer the {len(legal)} questions: {'; '.join(wrong)}. One object per line is "
            'needed, one per question, such as {"id": 1, "answer": "two"}; --only-answered leaves questions without '
            "one out, vistok score --allow-missing scores them as wrong."
        )


def missing_ids(ids: Sequence[QuestionId], answers: Mapping[str, Any]) -> list[str]:
    """Returns the ids without an answer, in the order of the questions."""
    return [str(key) for key in ids if str(key) not in answers]


def _is_id(value: object) -> bool:
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int | str) and not isinstance(value, bool) and value != ""


def _plain_id(value: Any) -> Any:
    return int(value) if isinstance(value, float) else value


def _answer(row: Mapping[str, Any]) -> Any:
    """Returns a record's answer: a text, losses, or losses with the number of each option's tokens."""
    match row.get("answer"), row.get("tokens"):
        case [*losses], [*tokens] if len(losses) == len(tokens) and all(map(_is_count, tokens)):
            return Ranked(tuple(losses), tuple(tokens))
    return row.get("answer")


def _is_answer(value: object) -> bool:
    if isinstance(value, list | Ranked):
        losses = value.losses if isinstance(value, Ranked) else value
        return len(losses) > 1 and all(_is_loss(loss) for loss in losses)
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_loss(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    except OverflowError:  # a whole number that no float can hold
        return False


def _problem(what: str, cases: Sequence[str]) -> str:
    return f"{len(cases)} {what} (first: {cases[0]})" if cases else ""
