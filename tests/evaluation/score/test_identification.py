"""Yes and no are heard as the released evaluation hears them, and as a person would."""

from pathlib import Path

import pytest

from vistok.datasets.gvtbench import ObjectQuestion, read_object_questions
from vistok.evaluation.score.identification import read_corrected, read_released, score_identification


def questions(answers: str, objects: int = 3) -> list[ObjectQuestion]:
    text = {"y": "Yes.", "n": "No."}
    asked = "Does car exist in the image?"
    return [
        ObjectQuestion(index, index, asked, text[letter], objects) for index, letter in enumerate(answers)
    ]


@pytest.mark.parametrize(
    ("answer", "yes", "no"),
    [
        ("Yes.", True, False),
        ("NO", False, True),
        ("I don't know", False, True),
        ("Not", False, True),
        ("another", False, True),
        ("a snowboard", False, True),
        ("eyes", True, False),
        ("Yes, there is no doubt", True, True),
        ("a car", False, False),
    ],
)
def test_released_hears_letters_anywhere(answer: str, yes: bool, no: bool) -> None:
    assert read_released(answer) == (yes, no)


@pytest.mark.parametrize(
    ("answer", "yes", "no"),
    [
        ("Yes.", True, False),
        ("yes, there is no doubt", True, False),
        ("There are no cars", False, True),
        ("I don't know", False, False),
        ("another snowboard", False, False),
        ("eyes", False, False),
        ("<thinking>No leash, no dog.</thinking> Yes", True, False),
        ("Yes <think>no, wait", False, False),
        ("__No__", False, True),
        ("\uff2e\uff4f", False, True),
        ("Answer yes or no: no", False, True),
        ("No/Yes? Yes", True, False),
        ("yes or no", False, False),
        ("Yes and no", False, False),
        ("The answer is not yes", False, False),
        ("No doubt: yes", True, False),
        ("No, no doubt", False, True),
        ("I see no leash. Answer: Yes", True, False),
    ],
)
def test_corrected_takes_the_first_whole_word(answer: str, yes: bool, no: bool) -> None:
    assert read_corrected(answer) == (yes, no)


def test_an_answer_with_both_words_is_right_for_both_classes_as_released() -> None:
    said = ["Yes, no doubt"] * 2
    assert score_identification(questions("yn"), said, "released").metrics["accuracy"] == 100.0
    assert score_identification(questions("yn"), said, "corrected").metrics["accuracy"] == 50.0


def test_reports_the_detection_of_yes() -> None:
    scored = score_identification(questions("yyynn"), ["yes", "yes", "no", "yes", "perhaps"], "corrected")
    assert scored.metrics == pytest.approx(
        {
            "accuracy": 40.0,
            "precision": 200 / 3,
            "recall": 200 / 3,
            "F1": 200 / 3,
            "yes_rate": 60.0,
            "unparsed": 20.0,
        }
    )


def test_never_saying_yes_has_no_precision() -> None:
    metrics = score_identification(questions("yn"), ["no", "no"]).metrics
    assert (metrics["precision"], metrics["recall"], metrics["F1"], metrics["yes_rate"]) == (
        0.0,
        0.0,
        0.0,
        0.0,
    )


def test_types_are_the_released_bins_of_objects_in_the_image() -> None:
    asked = questions("y", 9) + questions("y", 10) + questions("n", 19) + questions("n", 20)
    scored = score_identification(asked, ["yes", "no", "no", "yes"])
    assert {name: (metrics["accuracy"], metrics["n"]) for name, metrics in scored.by_type.items()} == {
        "1-9 objects": (100.0, 1.0),
        "10-19 objects": (50.0, 2.0),
        "20 or more objects": (0.0, 1.0),
    }


@pytest.mark.parametrize("protocol", ["released", "corrected"])
def test_a_missing_answer_is_wrong(protocol: str) -> None:
    metrics = score_identification(questions("yn"), ["yes", None], protocol).metrics
    assert (metrics["accuracy"], metrics["unparsed"]) == (50.0, 50.0)


def test_constant_yes_on_the_released_questions(shared_data: Path) -> None:
    questions = read_object_questions(shared_data / "gvtbench" / "coco_mci.json")
    metrics = score_identification(questions, ["Yes."] * len(questions), "released").metrics
    assert metrics["accuracy"] == pytest.approx(49.65)
    assert (metrics["recall"], metrics["yes_rate"]) == (100.0, 100.0)
    assert metrics["F1"] == pytest.approx(2 * 49.65 / 149.65 * 100)
