"""Concepts: what captions name, by where words stand."""

from vistok.supervision.concepts import head_nouns

CAPTIONS = [
    "two small red rings and a half moon on grass",
    "There are some rings left of the blue star, on sand",
    "grass with a star",
    "a moon above 3 leaves",
]


def test_a_phrase_ends_with_what_it_names() -> None:
    assert head_nouns(CAPTIONS, least=1) == ["grass", "leaves", "moon", "rings", "sand", "star"]


def test_rare_ends_are_left() -> None:
    assert head_nouns(CAPTIONS) == ["grass", "moon", "rings", "star"]
