"""Counts are read as the released evaluation reads them, and as a person would."""

import pytest

from vistok.datasets.gvtbench import ObjectQuestion
from vistok.evaluation.score.counting import read_corrected, read_released, score_counting


def questions(*counts: int) -> list[ObjectQuestion]:
    asked = "How many cars are there in the image?"
    return [ObjectQuestion(index, index // 2, asked, str(count), 12) for index, count in enumerate(counts)]


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ("3", 3),
        ("There are three cars.", 3),
        ("nine", 0),
        ("nive", 9),
        ("One.", 0),
        ("None.", 1),
        ("none", 0),
        ("someone", 1),
        ("There are cell phones", 1),
        ("sixteen", 6),
        ("fourteen", 4),
        ("freight", 8),
        ("ten", 0),
        ("twenty one", 1),
        ("12 of 15", 12),
        ("-2", 2),
        ("no digit", 0),
        ("", 0),
    ],
)
def test_released_reads_numbers_wherever_their_letters_stand(answer: str, number: int) -> None:
    assert read_released(answer) == number


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ("3", 3),
        ("Nine.", 9),
        ("There are ONE or two", 1),
        ("someone", None),
        ("cell phones", None),
        ("sixteen", 16),
        ("freight", None),
        ("There are no cars", 0),
        ("None.", 0),
        ("No, there are 4", 4),
        ("3rd", None),
        ("There is no one in the image.", 0),
        ("No-one", 0),
        ("No one is in the 2 cars", 2),
        ("No. One car.", 1),
        ("no two are alike", 2),
        ("1,000 cars", 1000),
        ("12,345,678", 1_000_000),
        ("1,2,3", 1),
        ("1234,567", 1234),
        ("twenty", 20),
        ("twenty-one", 21),
        ("Ninety nine cars", 99),
        ("twenty, one of them red", 20),
        ("twenty \u2014 one of them red", 20),
        ("twenty - one is red", 20),
        ("one hundred", None),
        ("two dozen cars, 3 of them red", None),
        ("3 hundreds", None),
        ("a dozen", None),
        ("0003", 3),
        ("\u0663 cars", 3),
        ("", None),
        ("thirtytwo", 32),
        ("about 4.5 cars", None),
        ("4\u00b75 cars", None),
        ("1'000", 1000),
        ("1\u2019000 cars", 1000),
        ("-three", None),
        ("well-three", 3),
        ('{"objects": 2, "answer": 3}', 3),
        ("4,5", None),
        (".5", None),
        ("4.0", 4),
        ("4.000", None),
        ("-7", None),
        ("minus two, or 3", None),
        ("- 7 cars", 7),
        ("1/2", None),
        ("3 1/2 cars", None),
        ("\u00bd", None),
        ("two and a half", None),
        ("one third of them", None),
        ("three-quarters", None),
        ("four half moons on sand", 4),
        ("two quarter notes", 2),
        ("four-five", 4),
        ("4-5 cars", None),
        ("80 %", None),
        ("twenty-first", None),
        ("12:30", None),
        ("2~3 cars", None),
        ("\u67093\u53ea\u72d7", 3),
        ("\uff13\u5339", 3),
    ],
)
def test_corrected_reads_the_first_whole_number(answer: str, number: int | None) -> None:
    assert read_corrected(answer) == number


@pytest.mark.parametrize(
    "hyphen", ["-", "\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2212", "\uff0d", "\u00ad", " "]
)
def test_a_number_in_two_words_may_be_joined_by_any_hyphen(hyphen: str) -> None:
    assert read_corrected(f"Forty{hyphen}six boats") == 46
    assert read_corrected(f"{hyphen}6 boats") == (6 if hyphen in (" ", "\u00ad", "\u2014") else None)


@pytest.mark.parametrize(
    "answer",
    ["2 to 3", "two to three boats", "between 2 and 3", "more than 2", "fewer than three", ">3", "< 3", "2 + 1", "2+1",
     "3\u00b2", "10,00,000", "not 3", "there aren't 2"],
)  # fmt: skip
def test_what_names_no_one_number_is_no_count(answer: str) -> None:
    assert read_corrected(answer) is None


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ("1\u202f000 boats", 1000),
        ("not 2 but 3", 3),
        ("At least 3", 3),
        ("I see 2 here and 1 there.\nAnswer: 3", 3),
        ("Left 2, right 1, so the answer is **three**", 3),
        ("~~2~~ 3", 3),
    ],
)
def test_a_number_is_read_where_it_is_said(answer: str, number: int) -> None:
    assert read_corrected(answer) == number


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ("<think>First 4, then 5.</think>Six", 6),
        ("_Six_ boats", 6),
        (r"\boxed{6}", 6),
        ("\uff16", 6),
    ],
)
def test_corrected_reads_the_final_answer_alone(answer: str, number: int) -> None:
    assert read_corrected(answer) == number
    assert read_released("<think>4</think>6") == 4


@pytest.mark.parametrize("protocol", ["released", "corrected"])
@pytest.mark.parametrize("digits", ["1000000", "9" * 400, "9" * 5000, "\u0669" * 5000])
def test_a_number_of_a_million_or_more_is_wrong_and_counts_as_a_million(protocol: str, digits: str) -> None:
    million = 1_000_000
    said = ["1", f"There are {digits} cars", digits]
    scored = score_counting(questions(1, 2, 10**6), said, protocol)
    assert scored.values.tolist() == [100.0, 0.0, 0.0]
    assert scored.metrics == pytest.approx(
        {"accuracy": 100 / 3, "MAE": (million - 2) / 3, "RMSE": (million - 2) / 3**0.5, "unparsed": 0.0}
    )


@pytest.mark.parametrize("protocol", ["released", "corrected"])
def test_zeros_before_a_number_change_nothing(protocol: str) -> None:
    scored = score_counting(questions(2, 2), ["0" * 5000 + "2", "0" * 5000], protocol)
    assert scored.values.tolist() == [100.0, 0.0]
    assert scored.metrics["MAE"] == 1.0


def test_reports_accuracy_and_errors_in_objects() -> None:
    scored = score_counting(questions(1, 2, 4, 9), ["1", "four", "no idea at all", "nine"], "corrected")
    assert scored.metric == "accuracy"
    assert scored.metrics == pytest.approx(
        {"accuracy": 50.0, "MAE": 1.5, "RMSE": (20 / 4) ** 0.5, "unparsed": 0.0}
    )
    assert scored.values.tolist() == [100.0, 0.0, 0.0, 100.0]
    assert scored.groups == (0, 0, 1, 1)


def test_the_released_rule_cannot_be_right_about_nine_in_words() -> None:
    scored = score_counting(questions(9, 9), ["nine", "9"], "released")
    assert scored.metrics == pytest.approx(
        {"accuracy": 50.0, "MAE": 4.5, "RMSE": 81**0.5 / 2**0.5, "unparsed": 0.0}
    )


def test_types_are_the_released_bins_of_three_counts() -> None:
    scored = score_counting(questions(1, 2, 3, 9), ["1", "1", "3", "3"], "released")
    assert {name: metrics["accuracy"] for name, metrics in scored.by_type.items()} == {
        "0-2": 50.0,
        "3-5": 100.0,
        "9-11": 0.0,
    }
    assert scored.by_type["9-11"]["MAE"] == 6.0
    assert scored.by_type["0-2"]["n"] == 2.0


@pytest.mark.parametrize("protocol", ["released", "corrected"])
def test_a_missing_answer_is_wrong_and_counts_as_none(protocol: str) -> None:
    scored = score_counting(questions(2, 4), ["2", None], protocol)
    assert scored.metrics == pytest.approx({"accuracy": 50.0, "MAE": 2.0, "RMSE": 8**0.5, "unparsed": 50.0})
