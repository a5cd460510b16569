"""The three VQA scorers give what their originals give, slips included."""

import gzip
import json
from pathlib import Path

import pytest

from vistok.datasets.vqa import VQAAnnotation, read_annotations
from vistok.errors import VistokError
from vistok.evaluation.score.vqa import (
    CONTRACTIONS,
    PROTOCOLS,
    leave_one_out,
    normalise,
    score_vqa,
    strip_punctuation,
)
from vistok.evaluation.trimming import postprocess_released_vqa, postprocess_vqa

REFERENCE_NAMES = {
    "official": "official_vqaEval",
    "lavis": "lavis_port",
    "released": "gvt_released_substring",
}
PREDICTIONS = ("first_annotator", "mc_answer", "question_type_prior", "sentence_wrap", "stress_format")


@pytest.fixture(scope="module")
def annotations(shared_data: Path) -> tuple[VQAAnnotation, ...]:
    return read_annotations(shared_data / "vqa" / "vqav2_60k_annotations_test.json.gz")


@pytest.fixture(scope="module")
def expected(shared_data: Path) -> dict[str, dict[str, object]]:
    scores: dict[str, dict[str, object]] = json.loads(
        (shared_data / "vqa" / "reference_scores.json").read_text()
    )
    return scores


def answers_of(name: str, annotations: tuple[VQAAnnotation, ...], shared_data: Path) -> list[str]:
    if name == "first_annotator":
        return [row.answers[0] for row in annotations]
    if name == "mc_answer":
        return [row.multiple_choice_answer for row in annotations]
    if name == "sentence_wrap":
        return [f"The answer is {row.answers[0]}." for row in annotations]
    packed = (shared_data / "vqa" / f"vqa_pred_test_{name}.json.gz").read_bytes()
    result = {row["question_id"]: row["answer"] for row in json.loads(gzip.decompress(packed))}
    return [result[row.question_id] for row in annotations]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", PREDICTIONS)
def test_equals_the_original_tool_to_two_decimals(
    name: str,
    protocol: str,
    annotations: tuple[VQAAnnotation, ...],
    expected: dict[str, dict[str, object]],
    shared_data: Path,
) -> None:
    scored = score_vqa(annotations, answers_of(name, annotations, shared_data), protocol)
    by_type = {kind: round(metrics["accuracy"], 2) for kind, metrics in scored.by_type.items()}
    result = {"overall": round(scored.metrics["accuracy"], 2), "perAnswerType": by_type}
    assert result == expected[f"test/{name}"][REFERENCE_NAMES[protocol]]


def question(*answers: str) -> VQAAnnotation:
    return VQAAnnotation(1, 7, "what", "other", answers, answers[0])


def accuracy(answers: list[str], said: str | None, protocol: str) -> float:
    return score_vqa([question(*answers)], [said], protocol).metrics["accuracy"]


@pytest.mark.parametrize(("matches", "share"), [(0, 0.0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1.0), (10, 1.0)])
def test_leaves_one_annotator_out(matches: int, share: float) -> None:
    assert leave_one_out(matches, 10) == pytest.approx(share)


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        ("yes.", "yes"),
        ("3.5 m.", "3.5 m"),
        ("t-shirt", "t shirt"),
        ("t-shirt - red", "tshirt  red"),
        ("1,000", "1000"),
        ("a/b,c 1,000", "abc 1000"),
        ("red/white", "red white"),
        ("it's", "it's"),
        ("what: this", "what: this"),
        ("." * 40 + "x", "." * 8 + "x"),
    ],
)
def test_strips_punctuation_as_the_official_tool(text: str, stripped: str) -> None:
    assert strip_punctuation(text) == stripped


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  DOG", "dog"),
        ("an apple and a pear", "apple and pear"),
        ("Ten", "10"),
        ("none", "0"),
        ("eleven", "eleven"),
        ("dont", "don't"),
        ("somebody'd", "somebodyd"),
        ("yall'd've", "y'all'd've"),
        (" two\tdogs\n", "2 dogs"),
    ],
)
def test_normalises_words_as_the_official_tool(text: str, normal: str) -> None:
    assert normalise(text) == normal


def test_contractions_lack_one_apostrophe() -> None:
    assert len(CONTRACTIONS) == 114
    assert CONTRACTIONS["couldn'tve"] == CONTRACTIONS["couldnt've"] == "couldn't've"
    assert "cannot" not in CONTRACTIONS and "its" not in CONTRACTIONS


def test_official_normalises_only_where_annotators_disagree() -> None:
    assert accuracy(["yes"] * 10, "Yes.", "official") == 0.0
    assert accuracy(["yes"] * 9 + ["no"], "Yes.", "official") == 100.0
    assert accuracy(["yes"] * 10, "Yes.", "lavis") == 100.0


def test_official_normalises_annotators_whole_and_lavis_only_their_punctuation() -> None:
    people = ["two"] * 9 + ["2 dogs"]
    assert accuracy(people, "two", "official") == 100.0
    assert accuracy(people, "two", "lavis") == 0.0


def test_released_takes_an_answer_within_the_prediction() -> None:
    people = ["cat"] * 9 + ["dog"]
    assert accuracy(people, "a scattered catalogue", "released") == 100.0
    assert accuracy(people, "a scattered catalogue", "official") == 0.0


def test_released_ignores_the_case_of_annotators() -> None:
    assert accuracy(["Nike"] * 10, "NIKE", "released") == 100.0
    assert accuracy(["Nike"] * 10, "NIKE", "lavis") == 0.0


def test_released_never_finds_an_annotators_number_word() -> None:
    assert accuracy(["two"] * 10, "two", "released") == 0.0


def test_released_finds_an_answer_of_punctuation_in_anything() -> None:
    assert accuracy(["..."] * 4 + ["red"] * 6, "blue", "released") == 100.0
    assert accuracy(["?"] * 4 + ["red"] * 6, "blue", "released") == 0.0
    assert accuracy(["?"] * 4 + ["red"] * 6, "blue bus", "released") == 100.0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_missing_answer_is_wrong(protocol: str) -> None:
    assert accuracy(["..."] * 4 + ["red"] * 6, None, protocol) == 0.0


def test_questions_are_grouped_by_image_and_split_by_type() -> None:
    rows = [
        VQAAnnotation(1, 7, "is", "yes/no", ("yes",) * 10, "yes"),
        VQAAnnotation(2, 7, "", "", ("no",) * 10, "no"),
    ]
    scored = score_vqa(rows, ["yes", "yes"])
    assert scored.groups == (7, 7)
    assert scored.values.tolist() == [100.0, 0.0]
    assert scored.by_type == {"yes/no": {"accuracy": 100.0, "n": 1.0}}


def test_an_unknown_protocol_names_the_legal_ones() -> None:
    with pytest.raises(VistokError, match=r"'offical'.*Did you mean 'official'"):
        accuracy(["yes"], "yes", "offical")


def test_answers_that_do_not_pair_up_are_refused() -> None:
    with pytest.raises(VistokError, match="1 vqa references and 0 answers"):
        score_vqa([question("yes")], [])
    with pytest.raises(VistokError, match="nothing to score"):
        score_vqa([], [])


@pytest.mark.parametrize("name", ["first_annotator", "mc_answer", "question_type_prior"])
def test_a_full_stop_put_back_costs_agreement_under_the_official_protocol_alone(
    name: str, annotations: tuple[VQAAnnotation, ...], shared_data: Path
) -> None:
    said = answers_of(name, annotations, shared_data)
    stopped, plain = ([trim(text) for text in said] for trim in (postprocess_released_vqa, postprocess_vqa))
    assert stopped != plain
    official, *others = (
        [score_vqa(annotations, given, protocol).metrics["accuracy"] for given in (stopped, plain)]
        for protocol in PROTOCOLS
    )
    assert official[0] < official[1]
    assert all(with_stop == without for with_stop, without in others)
