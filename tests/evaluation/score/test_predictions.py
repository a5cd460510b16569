"""Anybody's predictions are paired up with the questions, or refused with every problem counted."""

import json
from pathlib import Path

import pytest

from vistok.errors import VistokError
from vistok.evaluation.score.base import Ranked
from vistok.evaluation.score.predictions import missing_ids, read_predictions


def written(path: Path, rows: list[object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_reads_answers_by_the_text_of_their_ids(tmp_path: Path) -> None:
    rows = [{"id": 2, "answer": "two", "prompt": "?"}, {"id": "v1", "losses": [1, 2.5, 3, 4]}]
    path = written(tmp_path / "p.jsonl", rows)
    assert read_predictions(path, ["v1", 2], allow_missing=False) == {"2": "two", "v1": [1, 2.5, 3, 4]}


def test_every_problem_is_counted_and_its_first_named(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "answer": "a"},
        {"id": 1, "answer": "b"},
        {"id": 2, "answer": True},
        {"id": 3},
        {"id": 77, "answer": "c"},
        {"id": 78, "answer": "c"},
        {"answer": "d"},
        {"id": True, "answer": "d"},
    ]
    path = written(tmp_path / "p.jsonl", rows)
    with pytest.raises(VistokError) as caught:
        read_predictions(path, [1, 2, 3, 4, 5], allow_missing=False)
    message = str(caught.value)
    assert "does not answer the 5 questions: 2 lines without an id" in message
    assert "1 ids with several answers (first: 1)" in message
    assert "2 ids that are no question's (first: 77)" in message
    assert "2 answers that are no text (first: 2)" in message
    assert "2 questions without an answer (first: 4)" in message
    assert "--allow-missing" in message


def test_missing_answers_may_be_allowed_and_nothing_else(tmp_path: Path) -> None:
    path = written(tmp_path / "p.jsonl", [{"id": 1, "answer": "a"}])
    answers = read_predictions(path, [1, 2], allow_missing=True)
    assert answers == {"1": "a"}
    assert missing_ids([1, 2], answers) == ["2"]
    with pytest.raises(VistokError, match="1 ids that are no question's"):
        read_predictions(path, [2], allow_missing=True)


def test_losses_are_finite_numbers(tmp_path: Path) -> None:
    path = written(tmp_path / "p.jsonl", [{"id": 1, "losses": [1.0, float("nan")]}, {"id": 2, "losses": []}])
    with pytest.raises(VistokError, match=r"2 answers that are no text \(first: 1\)"):
        read_predictions(path, [1, 2], allow_missing=False)


def test_a_line_that_is_no_object_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"id": 1, "answer": "a"}\n[1]\n')
    with pytest.raises(VistokError, match="line 2"):
        read_predictions(path, [1], allow_missing=False)


@pytest.mark.parametrize("said", ["[1.0, true]", f"[1.0, 1{'0' * 400}]", "[1.0, NaN]"])
def test_what_cannot_be_scored_is_no_answer(tmp_path: Path, said: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(f'{{"id": 1, "answer": {said}}}\n')
    with pytest.raises(VistokError, match=r"1 answers that are no text \(first: 1\)"):
        read_predictions(path, [1], allow_missing=False)


def test_losses_are_read_with_the_number_of_each_options_tokens(tmp_path: Path) -> None:
    rows: list[object] = [
        {"id": 1, "answer": [1.5, 2], "tokens": [3, 4]},
        {"id": 2, "losses": [1.5, 2.0]},
        {"id": 3, "answer": [1.5, 2.0], "tokens": [3]},
        {"id": 4, "answer": "B", "tokens": 17},
    ]
    result = read_predictions(written(tmp_path / "p.jsonl", rows), [1, 2, 3, 4], allow_missing=False)
    assert result == {"1": Ranked((1.5, 2), (3, 4)), "2": [1.5, 2.0], "3": [1.5, 2.0], "4": "B"}
    path = written(tmp_path / "q.jsonl", [{"id": 1, "answer": [float("nan"), 1.0], "tokens": [1, 1]}])
    with pytest.raises(VistokError, match="1 answers that are no text"):
        read_predictions(path, [1], allow_missing=False)
