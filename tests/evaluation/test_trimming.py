"""Generations are trimmed as the released evaluation trims them."""

import pytest

from vistok.evaluation.trimming import postprocess_released, postprocess_released_vqa, postprocess_vqa


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a red bus", "a red bus."),
        ("a red bus. It is late.", "a red bus."),
        ("  two   dogs ", "two dogs."),
        (".a cat. b", "a cat."),
        ("..", "."),
        ("3.5 metres", "3."),
        ("one\ntwo", "onetwo."),
        ("a\tb", "a\tb."),
        ("Yes!", "Yes!."),
        ("", ""),
        (" \n ", ""),
        (".", "."),
    ],
)
def test_generations_are_trimmed_as_released(text: str, kept: str) -> None:
    assert postprocess_released(text) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("yes.", "yes."),
        ('"Red!"\nBecause', "Red."),
        ("\n\n two\nthree", "two."),
        ("a. b", "a."),
        ("...", ""),
        ("", ""),
    ],
)
def test_vqa_answers_are_trimmed_as_released(text: str, kept: str) -> None:
    assert postprocess_released_vqa(text) == kept
    assert postprocess_vqa(text) == kept.removesuffix(".")
