"""Blind baselines are worth what they are known to be worth on the released benchmark."""

from pathlib import Path

import pytest

from vistok.datasets.coco import CaptionReference
from vistok.datasets.gvtbench import read_object_questions
from vistok.errors import VistokError
from vistok.evaluation.score.blind import (
    constant_answer,
    constant_caption,
    constant_captions_by_fold,
    fit_prior,
    prior_answers,
    prior_answers_by_fold,
    vqa_prior_answers,
)
from vistok.evaluation.score.captions import score_captions
from vistok.evaluation.score.counting import score_counting
from vistok.evaluation.score.identification import score_identification


def test_the_constant_is_the_most_frequent_and_ties_go_by_the_alphabet() -> None:
    assert constant_answer(["2", "1", "2"]) == "2"
    assert constant_answer(["no", "yes", "yes", "no"]) == constant_answer(["yes", "no"]) == "no"
    with pytest.raises(VistokError, match="found none"):
        constant_answer([])


def test_a_prior_answers_by_key_and_falls_back() -> None:
    prior = fit_prior(["car", "car", "car", "dog", "dog"], ["1", "2", "2", "b", "a"])
    assert prior == {"car": "2", "dog": "a"}
    assert prior_answers(prior, ["dog", "cat"], "9") == ["a", "9"]


def test_folds_keep_an_images_questions_together() -> None:
    images = [index // 2 for index in range(40)]
    # Each image has its own object, which no other fold knows: every answer is the constant of the others.
    keys = [f"object {image}" for image in images]
    answers = ["rare" if image == 0 else "common" for image in images]
    assert prior_answers_by_fold(keys, answers, images) == ["common"] * 40


def test_folds_are_seeded_and_need_enough_images() -> None:
    keys, answers, images = ["a"] * 12, ["x", "y"] * 6, list(range(12))
    assert prior_answers_by_fold(keys, answers, images) == prior_answers_by_fold(keys, answers, images)
    assert any(
        prior_answers_by_fold(keys, answers, images, seed=seed)
        != prior_answers_by_fold(keys, answers, images)
        for seed in range(1, 5)
    )
    with pytest.raises(VistokError, match="5 folds over 1 images"):
        prior_answers_by_fold(keys, answers, [0] * 12)


@pytest.mark.parametrize(("name", "constant", "prior"), [("coco_oc", 54.27, 53.9), ("vcr_oc", 36.17, 47.5)])
def test_counting_without_the_image(shared_data: Path, name: str, constant: float, prior: float) -> None:
    questions = read_object_questions(shared_data / "gvtbench" / f"{name}.json")
    answers = [row.answer for row in questions]
    guesses = prior_answers_by_fold(
        [row.object_name for row in questions], answers, [row.image_id for row in questions]
    )
    always = [constant_answer(answers)] * len(questions)
    assert score_counting(questions, always, "released").metrics["accuracy"] == pytest.approx(constant)
    assert score_counting(questions, guesses, "released").metrics["accuracy"] == pytest.approx(prior, abs=1)


@pytest.mark.parametrize(("name", "constant", "prior"), [("coco_mci", 50.35, 65.6), ("vcr_mci", 50.42, 85.5)])
def test_identification_without_the_image(
    shared_data: Path, name: str, constant: float, prior: float
) -> None:
    questions = read_object_questions(shared_data / "gvtbench" / f"{name}.json")
    answers = [row.answer for row in questions]
    guesses = prior_answers_by_fold(
        [row.object_name for row in questions], answers, [row.image_id for row in questions]
    )
    always = [constant_answer(answers)] * len(questions)
    assert score_identification(questions, always, "released").metrics["accuracy"] == pytest.approx(constant)
    assert score_identification(questions, guesses, "released").metrics["accuracy"] == pytest.approx(
        prior, abs=1
    )


def test_the_vqa_prior_goes_from_question_to_type_to_constant() -> None:
    training = [
        ("What color is the bus?", "what color", "red"),
        ("What color is the sky?", "what color", "blue"),
        ("What color is the sea?", "what color", "blue"),
        ("Is it day?", "is it", "yes"),
        ("Is it dry?", "is it", "yes"),
        ("Is it late?", "is it", "yes"),
    ]
    asked = [
        ("What color is the bus?", "what color"),
        ("What color is the dog?", "what color"),
        ("Who is it?", "who"),
    ]
    assert vqa_prior_answers(training, asked) == ["red", "blue", "yes"]
    with pytest.raises(VistokError, match="found none"):
        vqa_prior_answers([], asked)


CAPTIONS = {
    1: ("a red bus on a street", "a bus"),
    2: ("a red bus on a street", "a bus"),
    3: ("a brown dog on grass", "a brown dog on grass"),
    4: ("a red bus on a street", "a red bus on a street"),
    5: (),
}


def test_the_constant_caption_is_the_best_of_the_training_captions() -> None:
    people = [CaptionReference(image, captions) for image, captions in CAPTIONS.items() if captions]
    distinct = sorted({caption for captions in CAPTIONS.values() for caption in captions})
    scores = {caption: score_captions(people, [caption] * 4).metrics["CIDEr"] for caption in distinct}
    assert constant_caption(CAPTIONS) == max(scores, key=scores.__getitem__)


def test_the_constant_caption_is_seeded_and_needs_captions() -> None:
    first = constant_caption(CAPTIONS, candidates=2, seed=4)
    assert first == constant_caption(dict(reversed(CAPTIONS.items())), candidates=2, seed=4)
    assert first in {caption for captions in CAPTIONS.values() for caption in captions}
    with pytest.raises(VistokError, match="found none"):
        constant_caption({5: ()})


def test_a_caption_by_folds_is_none_of_its_own_images() -> None:
    """Ten images of which each has a caption of its own: said of itself, it would score far better."""
    captions = {image: (f"a {word} stands alone",) for image, word in enumerate("abcdefghij")}
    said = constant_captions_by_fold(captions, folds=5)
    assert said.keys() == captions.keys()
    assert all(said[image] not in captions[image] for image in captions)
    assert len(set(said.values())) > 1
    with pytest.raises(VistokError, match="5 folds over 2 images"):
        constant_captions_by_fold({1: ("a",), 2: ("b",)})
