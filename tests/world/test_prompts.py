"""Prompts ask for what they should, held-out combinations are in no image to learn from, and scenes keep their word."""

from collections import Counter

import numpy as np
import pytest

from vistok.world.captions import sample_captions
from vistok.world.catalog import BY_NAME, CATEGORY_NAMES
from vistok.world.draws import Draws
from vistok.world.prompts import (
    KINDS,
    HeldOut,
    Named,
    Prompt,
    PromptKind,
    sample_held_out,
    sample_near_miss,
    sample_pairs,
    sample_prompts,
    sample_showing,
)
from vistok.world.scene import relation


@pytest.fixture(scope="module")
def held_out() -> HeldOut:
    return sample_held_out(Draws(np.random.default_rng(5)))


def test_each_category_has_a_colour_and_a_number_that_are_held_out(held_out: HeldOut) -> None:
    assert sorted(name for name, _ in held_out.colors) == sorted(CATEGORY_NAMES)
    assert all(BY_NAME[name].color != color for name, color in held_out.colors)
    assert sorted(name for name, _ in held_out.numbers) == sorted(CATEGORY_NAMES)
    assert {count for _, count in held_out.numbers} <= {2, 3, 4} and len(held_out.pairs) == 7


def test_a_combination_is_found_among_objects() -> None:
    held_out = HeldOut(
        frozenset([("ring", "red")]), frozenset([("star", 2)]), frozenset([frozenset(["leaf", "star"])])
    )
    assert held_out.among([Named("ring", 3, "red")]) and not held_out.among([Named("ring", 3, "blue")])
    assert held_out.among([Named("star", 2)]) and not held_out.among([Named("star", 3), Named("ring", 2)])
    assert held_out.among([Named("star"), Named("ring"), Named("leaf")])


def test_no_image_to_learn_from_has_what_is_held_out(held_out: HeldOut, draws: Draws) -> None:
    scenes = sample_pairs(draws, held_out, 400)
    for scene in scenes:
        shown = {(group.category, group.color) for group in scene.groups}
        assert not shown & held_out.colors and scene.crowd is None
        assert not {(group.category, group.count) for group in scene.groups} & held_out.numbers
        names = {group.category for group in scene.groups}
        assert not any(pair <= names for pair in held_out.pairs)
    told = {text for scene in scenes for text in sample_captions(scene, draws, 2)}
    asked = [
        prompt.text for kind in KINDS[1:] for prompt in sample_prompts(draws, kind, held_out, 60, asks=True)
    ]
    assert not told & set(asked)


@pytest.mark.parametrize("kind", KINDS)
def test_prompts_are_of_their_kind_different_and_ask_or_not(
    kind: PromptKind, held_out: HeldOut, draws: Draws
) -> None:
    plain, asks = (sample_prompts(draws, kind, held_out, 45, asks=asks) for asks in (False, True))
    for prompts in (plain, asks):
        assert len({prompt.text for prompt in prompts}) == len(prompts) == 45
        assert {prompt.kind for prompt in prompts} == {kind}
    if kind == "single_object":
        assert {prompt.text for prompt in plain} == {prompt.text for prompt in asks}
    else:
        assert {held_out.among(prompt.objects) for prompt in plain} == {False}
        assert {held_out.among(prompt.objects) for prompt in asks} == {True}


def test_prompts_are_said_as_captions_are() -> None:
    assert Prompt("counting", (Named("leaf", 3),), background="sand").text == "three leaves on sand"
    two = (Named("ring", 1, "red"), Named("half moon", 1, "blue"))
    assert Prompt("color_attr", two).text == "a red ring and a blue half moon"
    assert Prompt("position", (Named("ring"), Named("star")), "above").text == "a ring above a star"


def test_scenes_show_their_prompt_to_the_letter_and_near_misses_all_but_one_thing(
    held_out: HeldOut, draws: Draws
) -> None:
    for kind in KINDS:
        for prompt in sample_prompts(draws, kind, held_out, 20, asks=True):
            scene, near = sample_showing(draws, prompt), sample_near_miss(draws, prompt)
            assert says(scene.groups, prompt) and not says(near.groups, prompt)
            assert prompt.background in (None, scene.background)
            shared = Counter(named.category for named in prompt.objects) & Counter(
                group.category for group in near.groups
            )
            assert shared.total() >= len(prompt.objects) - 1


def says(groups: tuple, prompt: Prompt) -> bool:  # type: ignore[type-arg]
    """Returns whether groups are what a prompt says, read off the scene itself."""
    of = {group.category: group for group in groups}
    if not all(
        named.category in of
        and of[named.category].count == named.count
        and named.color in (None, of[named.category].color)
        for named in prompt.objects
    ):
        return False
    first, last = prompt.objects[0].category, prompt.objects[-1].category
    return prompt.side is None or relation(of[first], of[last]) == prompt.side
