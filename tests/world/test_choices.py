"""Four-way questions of the world: true of their scenes, and of no use to whoever sees the text alone."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vistok.datasets.contents import contents_of_photograph
from vistok.datasets.seedbench import DIMENSIONS as OFFICIAL
from vistok.datasets.seedbench import read_choice_questions
from vistok.errors import VistokError
from vistok.world.catalog import BY_NAME
from vistok.world.choices import DIMENSIONS, SMALLEST, Choice, sample_choices
from vistok.world.draws import Draws
from vistok.world.scene import Scene
from vistok.world.world import WorldSizes, make_world, sample_scenes, sample_seedbench
from vistok.world.write_coco import image_attributes

FILES = {"SEED-Bench.json": 64, "SEED-Bench_dev.json": 32}


@pytest.fixture(scope="module")
def choices() -> list[Choice]:
    return sample_choices(Draws(np.random.default_rng(5)), 10 * SMALLEST, frozenset())


def names(scene: Scene) -> dict[str, str]:
    """Each category's one word -> its name, of the groups of a scene."""
    return {BY_NAME[group.category].word: group.category for group in scene.groups}


def test_names_and_numbers_are_the_official_ones() -> None:
    assert {number: name for number, (name, _) in DIMENSIONS.items()} == {
        number: OFFICIAL[number - 1] for number in range(1, 9)
    }


def test_every_text_is_asked_of_four_images_with_four_answers(choices: list[Choice]) -> None:
    assert len(choices) == 10 * SMALLEST
    for start in range(0, len(choices), 4):
        block = choices[start : start + 4]
        assert len({(choice.dimension, choice.text, choice.options) for choice in block}) == 1
        assert [choice.answer for choice in block] == [0, 1, 2, 3]
        assert len({choice.scene.signature for choice in block}) == 4


def test_scenes_that_are_seen_elsewhere_are_passed_over() -> None:
    first = sample_choices(Draws(np.random.default_rng(5)), SMALLEST, frozenset())
    seen = {choice.scene.signature for choice in first}
    again = sample_choices(Draws(np.random.default_rng(5)), SMALLEST, seen)
    assert not seen & {choice.scene.signature for choice in again}


def truths(choice: Choice) -> list[bool]:
    """Whether each option is true of the scene, told by cells and colours without the code that drew it."""
    groups = {group.category: group for group in choice.scene.groups}
    shown = names(choice.scene)
    words = choice.text.rstrip("?").split()

    def cells(category: str) -> list[tuple[int, int]]:
        return [(placed.row, placed.column) for placed in groups[category].objects]

    def side(one: str, two: str) -> set[str]:
        found = set()
        for place, (before, behind) in enumerate((("above", "below"), ("left of", "right of"))):
            ours, theirs = ([cell[place] for cell in cells(name)] for name in (one, two))
            found |= {before} if max(ours) < min(theirs) else set()
            found |= {behind} if min(ours) > max(theirs) else set()
        return found

    def asked(text: str) -> str:
        return next(name for name in groups if text in (name, BY_NAME[name].plural))

    def is_true(option: str) -> bool:
        match choice.dimension:
            case 1:
                return choice.scene.background == option
            case 2:
                return option in shown and groups[shown[option]].color == words[-1]
            case 3:
                return groups[asked(choice.text.removesuffix("?").split(" the ")[1])].color == option
            case 4:
                ((row, column),) = cells(asked(choice.text.removeprefix("what is the ").removesuffix(" on?")))
                ground = image_attributes(choice.scene)["backgrounds"][3 * row + column]
                return ground == option != choice.scene.background
            case 5:
                name = choice.text.removeprefix("How many ").removesuffix(" are there in the image?")
                return len(cells(asked(name))) == int(option)
            case 6:
                place, other = choice.text.removeprefix("what is ").removesuffix("?").split(" the ")
                return option in shown and side(shown[option], asked(other)) == {place}
            case 7:
                other = asked(choice.text.removesuffix("?").split(" the ")[1])
                return option in shown and any(
                    abs(row - r) + abs(column - c) == 1
                    for row, column in cells(shown[option])
                    for r, c in cells(other)
                )
            case _:
                return sum(group.count for group in groups.values() if group.color == words[2]) == int(option)

    return [is_true(option) for option in choice.options]


def test_exactly_the_right_option_is_true(choices: list[Choice]) -> None:
    for choice in choices:
        assert truths(choice) == [index == choice.answer for index in range(4)], choice


def test_a_place_and_a_neighbour_cannot_be_told_by_what_is_there(choices: list[Choice]) -> None:
    """Another option stands in the image, too."""
    for choice in choices:
        if choice.dimension in (6, 7):
            assert sum(option in names(choice.scene) for option in choice.options) > 1


def test_sums_are_of_several_groups(choices: list[Choice]) -> None:
    for choice in choices:
        if choice.dimension == 8:
            color = choice.text.split()[2]
            assert sum(group.color == color for group in choice.scene.groups) > 1


def test_files_are_official_and_their_images_are_there(small_world: Path, shared_data: Path) -> None:
    folder = small_world / "seedbench"
    for file, count in FILES.items():
        questions = read_choice_questions(folder / file)
        assert len(questions) == count
        assert Counter(question.dimension for question in questions) == dict.fromkeys(range(1, 9), count // 8)
        for question in questions:
            with Image.open(folder / "SEED-Bench-image" / question.image_id) as image:
                assert image.format == "JPEG" and image.size == (48, 48)
    ours = json.loads((folder / "SEED-Bench.json").read_text())
    real = json.loads((shared_data / "seedbench" / "SEED-Bench-1_examples.json").read_text())
    assert set(ours["questions"][0]) == set(real["questions"][0])
    assert ours["question_type"].items() <= real["question_type"].items()


def test_true_contents_are_told_of_its_images(small_world: Path, small_sizes: WorldSizes) -> None:
    (first, *_) = sample_seedbench(small_sizes, sample_scenes(small_sizes))["SEED-Bench.json"]
    (question, *_) = read_choice_questions(small_world / "seedbench" / "SEED-Bench.json")
    contents = contents_of_photograph(small_world / "seedbench" / "SEED-Bench-image" / question.image_id)
    assert contents.words == (("background", first.scene.background),)
    assert Counter(dict(entry.words)["category"] for entry in contents.objects) == {
        BY_NAME[group.category].compact: group.count for group in first.scene.groups
    }


def test_its_scenes_are_in_no_other_part(small_sizes: WorldSizes) -> None:
    scenes = sample_scenes(small_sizes)
    asked = sample_seedbench(small_sizes, scenes)
    val, dev = ({choice.scene.signature for choice in choices} for choices in asked.values())
    assert not (val | dev) & {scene.signature for scene in scenes.all}
    assert not val & dev


def test_a_number_of_questions_that_leaves_dimensions_uneven_is_refused(
    small_sizes: WorldSizes, tmp_path: Path
) -> None:
    with pytest.raises(VistokError, match=r"seed_bench_val is 60.*multiples of 32"):
        make_world(replace(small_sizes, seed_bench_val=60), tmp_path / "world")
    assert not (tmp_path / "world").exists()
