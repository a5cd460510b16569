"""Multiple-choice answers are chosen by likelihood or by letter, and averaged in each way that is in use."""

import json
from pathlib import Path

import pytest

from vistok.datasets.seedbench import ChoiceQuestion, read_choice_questions
from vistok.errors import VistokError
from vistok.evaluation.score.base import Ranked
from vistok.evaluation.score.choice import PROTOCOLS, choose, dimension_name, score_choice
from vistok.evaluation.score.letters import read_letter

OPTIONS = ("One", "Two", "Three dogs.", "A man")
# SEED-Bench's image questions by dimension; the leaderboard's row, of which Table 7 prints the first eight.
SIZES = {1: 3158, 2: 1831, 3: 4649, 4: 978, 5: 2447, 6: 657, 7: 97, 8: 331, 9: 85}
ACCURACIES = {1: 41.74, 2: 35.50, 3: 31.79, 4: 29.45, 5: 36.17, 6: 31.96, 7: 31.96, 8: 51.06, 9: 27.06}


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B", "B"),
        ("b", "B"),
        (" (C). ", "C"),
        ("D) A man", "D"),
        ("A. One", "A"),
        ("A: One", "A"),
        ("The answer is B.", "B"),
        ("Answer: (C) because it barks", "C"),
        ("I would take option D, as it fits", "D"),
        ("two", "B"),
        ("Three dogs", "C"),
        ("A man", "D"),
        ("A man on a bus", None),
        ("The answer is A man on a bus", None),
        ("B Two", "B"),
        ("a one", "A"),
        ("B\nbecause there are two", "B"),
        ("The correct option is D because it fits", "D"),
        ("B Three dogs", None),
        *((f"Option {letter} is correct", letter) for letter in "ABCD"),
        *((f"The answer is {letter} because it fits", letter) for letter in "ABCD"),
        *((f"The correct choice is {letter}.", letter) for letter in "ABCD"),
        ("E", None),
        ("", None),
    ],
)
def test_reads_the_letter_of_a_generated_answer(answer: str, letter: str | None) -> None:
    assert read_letter(answer, OPTIONS) == letter


def test_an_option_text_that_two_options_share_chooses_neither() -> None:
    assert read_letter("one", ("One", "one", "Two", "Three")) is None


def test_takes_the_option_of_the_lowest_loss_and_the_first_among_equals() -> None:
    assert choose([3.0, 1.5, 2.0, 9.0], OPTIONS) == "B"
    assert choose([3.0, 1.5, 1.5, 9.0], OPTIONS) == "B"
    assert choose(None, OPTIONS) is None


def test_reads_the_official_file(shared_data: Path) -> None:
    questions = read_choice_questions(shared_data / "seedbench" / "SEED-Bench-1_examples.json")
    assert [(row.question_id, row.dimension, row.answer) for row in questions] == [
        ("101669", 5, "A"),
        ("v1738", 10, "B"),
        ("v1962", 11, "B"),
        ("v4397", 12, "C"),
    ]
    assert questions[0].options == ("One", "Two", "Three", "Four")
    assert questions[0].image_id == "1454426_2591111986"


def test_names_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    path.write_text('{"questions": [{"answer": "A"}]}')
    said = r"question 0: question_id, .*choice_a to choice_d, answer and.* are needed, found {'answer': 'A'}"
    with pytest.raises(VistokError, match=said):
        read_choice_questions(path)
    path.write_text("{}")
    with pytest.raises(VistokError, match="not a SEED-Bench file"):
        read_choice_questions(path)


@pytest.mark.parametrize(
    "change",
    [
        {"data_id": ["a.jpg", "b.jpg"]},
        {"question": None},
        {"choice_b": ["x"]},
        {"question_id": True},
        {"question_type_id": True},
        {"question_type_id": 1.5},
    ],
)
def test_a_record_of_several_images_or_without_text_is_refused(
    tmp_path: Path, change: dict[str, object]
) -> None:
    row = {"question_id": 7, "data_id": "a", "question_type_id": 1, "question": "what?", "answer": "A"}
    row |= {f"choice_{letter}": letter for letter in "abcd"}
    path = tmp_path / "seed.json"
    path.write_text(json.dumps({"questions": [row]}))
    assert read_choice_questions(path)[0].question_id == "7"
    path.write_text(json.dumps({"questions": [{**row, **change}]}))
    with pytest.raises(VistokError, match=r"question 0: question_id, data_id \(of one image or video\)"):
        read_choice_questions(path)


def test_both_maps_of_dimensions_three_and_four() -> None:
    assert (dimension_name(3, "official"), dimension_name(4, "official")) == (
        "Instance Attributes",
        "Instance Location",
    )
    assert (dimension_name(3, "released"), dimension_name(4, "released")) == (
        "Instance Location",
        "Instance Attributes",
    )
    assert dimension_name(5, "released") == dimension_name(5, "official") == "Instances Counting"


def image_questions() -> tuple[list[ChoiceQuestion], list[str]]:
    asked, said = [], []
    for dimension, size in SIZES.items():
        right = round(size * ACCURACIES[dimension] / 100)
        for index in range(size):
            asked.append(ChoiceQuestion(f"{dimension}-{index}", str(index), dimension, "?", OPTIONS, "A"))
            said.append("A" if index < right else "B")
    return asked, said


def test_averages_of_the_papers_row_on_seed_bench() -> None:
    asked, said = image_questions()
    official, released = score_choice(asked, said, "official"), score_choice(asked, said, "released")
    assert official.metrics["accuracy"] == pytest.approx(35.50, abs=0.01)
    assert official.metrics["accuracy_image"] == official.metrics["accuracy"]
    assert official.metrics["mean_of_dimensions_1_to_8"] == pytest.approx(36.20, abs=0.005)
    assert official.metrics["mean_of_dimensions"] == pytest.approx(35.19, abs=0.005)
    assert official.metrics == released.metrics
    assert released.by_type["Instance Location"] == official.by_type["Instance Attributes"]
    assert round(released.by_type["Instance Location"]["accuracy"], 2) == 31.79
    assert round(official.by_type["Instance Location"]["accuracy"], 2) == 29.45


def test_losses_letters_and_missing_answers_together(shared_data: Path) -> None:
    questions = read_choice_questions(shared_data / "seedbench" / "SEED-Bench-1_examples.json")
    scored = score_choice(questions, [[0.1, 1.0, 1.0, 1.0], "B", None, "no idea"])
    assert scored.values.tolist() == [100.0, 100.0, 0.0, 0.0]
    assert scored.metrics == {
        "accuracy": 50.0,
        "mean_of_dimensions": 50.0,
        "accuracy_image": 100.0,
        "unparsed": 50.0,
    }


def test_the_sum_favours_short_options_and_the_mean_does_not() -> None:
    ranked = Ranked((4.0, 6.0, 4.5, 9.0), (2, 6, 3, 3))
    assert choose(ranked, OPTIONS) == "A"
    assert choose(ranked, OPTIONS, per_token=True) == "B"
    assert choose("B", OPTIONS, per_token=True) == "B" and choose(None, OPTIONS, per_token=True) is None
    asked = [ChoiceQuestion(str(index), "1.jpg", 3, "?", OPTIONS, "B") for index in range(2)]
    result = {name: score_choice(asked, [ranked, "B"], name) for name in PROTOCOLS}
    assert {name: scored.metrics["accuracy"] for name, scored in result.items()} == {
        "official": 50.0, "released": 50.0, "mean": 100.0,
    }  # fmt: skip
    assert result["mean"].types == result["official"].types == ("Instance Attributes",) * 2
    assert result["released"].types == ("Instance Location",) * 2


def test_a_mean_of_losses_alone_is_refused() -> None:
    with pytest.raises(
        VistokError, match=r"'mean' needs the number of each option's tokens.*\"tokens\".*'official'"
    ):
        choose([3.0, 2.0, 2.5, 1.0], OPTIONS, per_token=True)
