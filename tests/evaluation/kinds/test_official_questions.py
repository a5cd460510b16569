"""GQA, TextVQA and MME: files in their official formats, scored as their own tools do, by hand."""

from pathlib import Path
from typing import Any

import pytest

from vistok.datasets.gqa import GQAQuestion
from vistok.datasets.mme import SUBTASKS
from vistok.errors import VistokError
from vistok.evaluation.kind import Questions
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.references import load_references
from vistok.evaluation.score.mme import verdict
from vistok.evaluation.score.scoring import score_answers
from vistok.files import write_json

KNOWN = [
    ("What is it?", "cup"),
    ("What is it?", "cup"),
    ("Which?", "dog"),
    ("Which?", "dog"),
    ("Where?", "dog"),
]


def gqa(path: Path, **changes: Any) -> Path:
    """Four questions about two photographs."""
    rows = [("n1", "Is it red?", "yes", "verify"), ("n1", "What is it?", "cup", "query")]
    rows += [("n2", "Is it red?", "no", "verify"), ("n2", "What is it?", "table", "query")]
    questions = {
        f"20{number}": {
            "imageId": image, "question": text, "answer": answer, "isBalanced": True,
            "types": {"structural": structure, "semantic": "attr"}, **changes,
        }
        for number, (image, text, answer, structure) in enumerate(rows)
    }  # fmt: skip
    write_json(path, questions)
    return path


def textvqa(path: Path, answers: list[str]) -> Path:
    row = {"question_id": 7, "image_id": "0a1b", "question": "what brand is it?", "answers": answers}
    write_json(path, {"dataset_type": "val", "data": [row | {"image_classes": ["Phone"]}]})
    return path


def mme(folder: Path, subtasks: tuple[str, ...] = SUBTASKS) -> Path:
    """Two images a subtask, with two questions each."""
    folder.mkdir()
    for name in subtasks:
        lines = [f"{image}.jpg\tIs it so?\t{answer}\n" for image in "ab" for answer in ("Yes", "No")]
        (folder / f"{name}.txt").write_text("".join(lines))
    return folder


def test_gqa_asks_for_the_words_of_its_file(tmp_path: Path) -> None:
    questions = load_references("gqa", gqa(tmp_path / "testdev.json"))
    assert questions.images == ("n1.jpg", "n1.jpg", "n2.jpg", "n2.jpg")
    given = {"200": "Yes.", "201": "cup", "202": "yes", "203": "the table"}
    scores = score_answers(questions, given)
    assert [scores[name]["metrics"]["accuracy"] for name in ("official", "llava")] == [25.0, 50.0]
    assert scores["llava"]["by_type"]["verify"] == {"accuracy": 50.0, "n": 2}


def test_gqas_prior_knows_the_question_before_its_structure() -> None:
    known = [GQAQuestion(str(n), "x.jpg", text, said, "query") for n, (text, said) in enumerate(KNOWN)]
    asked = [GQAQuestion("9", "y.jpg", text, "?", "query") for text in ("What is it?", "Who is it?")]
    blind = task_kind("gqa").blind(Questions(asked, ["", ""]), Questions(known, [""] * len(known)))
    assert blind == {"constant": ["dog", "dog"], "prior": ["cup", "dog"]}


@pytest.mark.parametrize(
    ("answers", "said", "accuracy"),
    [
        (["Nokia"] * 3 + ["n"] * 7, "nokia", 90.0),  # of three people one is left out in three of ten ways
        (["Nokia"] * 4 + ["n"] * 6, "Nokia.", 100.0),
        (["Nokia"] + ["n"] * 9, "the nokia", 30.0),
        (["Wendy's"] * 10, "wendy 's", 100.0),
        (["1,000"] * 10, "1000", 100.0),  # commas go, where VQAv2's rule keeps a space
        (["two"] * 10, "2", 100.0),
        (["stop"] * 10, "stop sign", 0.0),
    ],
)
def test_textvqa_counts_people_who_said_the_same(
    tmp_path: Path, answers: list[str], said: str, accuracy: float
) -> None:
    questions = load_references("textvqa", textvqa(tmp_path / "val.json", answers))
    assert questions.images == ("0a1b.jpg",) and questions.ids == (7,)
    assert score_answers(questions, {"7": said})["official"]["metrics"]["accuracy"] == pytest.approx(accuracy)


def test_a_test_split_has_no_answers_to_score_with(tmp_path: Path) -> None:
    with pytest.raises(VistokError, match="question 0: question_id, image_id, question and 10 answers are"):
        load_references("textvqa", textvqa(tmp_path / "test.json", []))
    with pytest.raises(VistokError, match="question 200: imageId, question and answer are"):
        load_references("gqa", gqa(tmp_path / "test.json", answer=None))


def test_mme_counts_answers_and_images_of_which_both_are_right(tmp_path: Path) -> None:
    questions = load_references("mme", mme(tmp_path / "mme"))
    assert len(questions.ids) == 40
    assert questions.images[0] == "existence/a.jpg" and "posters/images/a.jpg" in questions.images
    given = dict.fromkeys(questions.ids, "No")
    given |= {f"existence/{line}": "Yes, there is." for line in (1, 3)}
    report = score_answers(questions, {str(key): text for key, text in given.items()})["official"]
    # All of existence, and half of the answers of the nine others, of which no image has both.
    assert report["metrics"] == {"score": 200 + 9 * 50, "accuracy": 55.0}
    assert report["by_type"]["existence"] == {"score": 200.0, "accuracy": 100.0, "n": 4}
    assert report["by_type"]["OCR"] == {"score": 50.0, "accuracy": 50.0, "n": 4}


def test_subtasks_count_alike_whatever_their_number_of_images(tmp_path: Path) -> None:
    folder = mme(tmp_path / "mme")
    (folder / "OCR.txt").write_text("a.jpg\tIs it so?\tYes\na.jpg\tIs it not?\tNo\n")
    questions = load_references("mme", folder)
    right = {str(key): record.answer for key, record in zip(questions.ids, questions.records, strict=True)}
    wrong = right | {"OCR/1": "No", "OCR/2": "No"}
    scores = [score_answers(questions, given)["official"]["metrics"]["score"] for given in (right, wrong)]
    assert scores == [2000.0, 1850.0]


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("Yes.", "Yes"),
        (" yes", "Yes"),
        ("no", "No"),
        ("Not so", "No"),
        ("It is", None),
        ("", None),
        (None, None),
    ],
)
def test_mme_looks_at_four_letters(said: str | None, read: str | None) -> None:
    assert verdict(said) == read


def test_a_folder_or_a_pair_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        VistokError, match=r"1 of the files of its 10 subtasks are missing \(first: OCR.txt\)"
    ):
        load_references("mme", mme(tmp_path / "mme", SUBTASKS[:-1]))
    whole = mme(tmp_path / "whole")
    (whole / "count.txt").write_text("a.jpg\tIs it so?\tYes\nb.jpg\tIs it so?\tNo\n")
    with pytest.raises(VistokError, match="no pairs of questions about one image"):
        load_references("mme", whole)
    (whole / "count.txt").write_text("a.jpg\tIs it so?\tMaybe\n")
    with pytest.raises(VistokError, match="line 1: an image, a question and Yes or No with tabs between"):
        load_references("mme", whole)


def test_guessers_without_an_image_get_half_of_mme(tmp_path: Path) -> None:
    kind, records = task_kind("mme"), load_references("mme", mme(tmp_path / "mme")).records
    blind = kind.blind(Questions(records, [""] * len(records)), None)
    assert set(blind) == {"constant", "prior"}
    for answers in blind.values():
        assert set(answers) <= {"Yes", "No"} and len(answers) == 40
    assert kind.truth(records[0]) == ("Yes",)
