import json
from pathlib import Path
from typing import Any

import pytest

from vistok.datasets.vqa import VQAAnnotation, VQAQuestion, read_annotations, read_questions, read_texts
from vistok.errors import VistokError


def test_official_files_pair_up(shared_data: Path) -> None:
    annotations = read_annotations(shared_data / "vqa/vqav2_60k_annotations_test.json.gz")
    questions = read_questions(shared_data / "vqa/vqav2_60k_questions_test.json.gz")
    assert len(annotations) == len(questions) == 2962
    assert {row.question_id for row in annotations} == {row.question_id for row in questions}
    assert {len(row.answers) for row in annotations} == {10}
    assert {row.answer_type for row in annotations} == {"yes/no", "number", "other"}
    assert questions[0] == VQAQuestion(540769000, 540769, "Is there a bell on the train?")
    assert annotations[0].multiple_choice_answer == "yes"


def test_images_follow_from_question_ids(shared_data: Path) -> None:
    """The rule that stands in for a missing image id holds in the official files."""
    for row in read_questions(shared_data / "vqa/vqav2_60k_questions_test.json.gz"):
        assert row.image_id == row.question_id // 1000


def test_an_excerpt_with_question_ids_and_answers_alone(shared_data: Path) -> None:
    annotations = read_annotations(shared_data / "vqa/allennlp_vqav2_annotations.json")
    questions = read_questions(shared_data / "vqa/allennlp_vqav2_questions.json")
    assert [row.image_id for row in annotations] == [row.image_id for row in questions]
    assert annotations[0].multiple_choice_answer == "net"
    assert annotations[0].question_type == ""


WHOLE = {
    "question_id": 7001,
    "image_id": 9,
    "question_type": "what",
    "answer_type": "other",
    "multiple_choice_answer": "b",
    "answers": [{"answer": "a"}] * 6 + [{"answer": "b"}] * 4,
}


def test_what_a_file_says_goes_before_what_follows(tmp_path: Path) -> None:
    (found,) = read_annotations(_write(tmp_path, {"annotations": [WHOLE]}))
    assert found == VQAAnnotation(7001, 9, "what", "other", ("a",) * 6 + ("b",) * 4, "b")


@pytest.mark.parametrize(
    "change",
    [
        {"answers": None},
        {"answers": [{"answer": 3}] * 10},
        {"answers": ["a"] * 10},
        {"question_id": "7"},
        {"image_id": None},
    ],
)
def test_wrong_annotations_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = _write(tmp_path, {"annotations": [WHOLE, {**WHOLE, **change}]})
    with pytest.raises(
        VistokError, match="annotation 1: question_id, image_id and answers are needed, found"
    ):
        read_annotations(path)


@pytest.mark.parametrize("number", [0, 1, 9, 11])
def test_other_than_ten_answers_are_refused(tmp_path: Path, number: int) -> None:
    answers = [{"answer": "a"}] * number
    path = _write(tmp_path, {"annotations": [WHOLE, {**WHOLE, "answers": answers}]})
    said = f"annotation 1: 10 answers, one per annotator, are needed, found {number} in "
    with pytest.raises(VistokError, match=said):
        read_annotations(path)


def test_a_question_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path, {"annotations": [WHOLE, WHOLE]})
    with pytest.raises(
        VistokError, match=r"annotations: 1 values of question_id occur more than once .*first: 7001"
    ):
        read_annotations(path)
    question = {"question_id": 7001, "image_id": 9, "question": "what?"}
    path = _write(tmp_path, {"questions": [question, {**question, "question": "who?"}]})
    with pytest.raises(VistokError, match=r"questions: 1 values of question_id occur more than once"):
        read_questions(path)


def test_questions_are_no_annotations(shared_data: Path) -> None:
    with pytest.raises(VistokError, match="no VQAv2 annotations file: an object with a list 'annotations'"):
        read_annotations(shared_data / "vqa/vqav2_60k_questions_test.json.gz")


def test_a_question_without_an_image_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path, {"questions": [{"question_id": 1, "question": "what?"}]})
    with pytest.raises(VistokError, match="question 0: question_id, image_id and question are needed"):
        read_questions(path)


def _write(folder: Path, value: Any) -> Path:
    path = folder / "file.json"
    path.write_text(json.dumps(value))
    return path


def test_a_question_file_of_other_annotations_is_refused(tmp_path: Path) -> None:
    rows = [{"question_id": key, "image_id": 1, "question": f"what is {key}?"} for key in (7, 8)]
    path = tmp_path / "questions.json"
    path.write_text(json.dumps({"questions": rows}))
    assert read_texts(path, [8, 7, 8], Path("answers.json")) == ["what is 8?", "what is 7?", "what is 8?"]
    with pytest.raises(VistokError, match=r"lacks 2 questions of answers\.json \(first: question_id 9\)"):
        read_texts(path, [7, 9, 10], Path("answers.json"))
