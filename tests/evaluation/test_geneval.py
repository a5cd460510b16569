"""GenEval's rule on what is seen, against the scenes that it is seen in, and its scores with their intervals."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from vistok.datasets.geneval import Prompt, Requirement, read_prompts
from vistok.evaluation.geneval import Seen, score_of, seen_in, shows
from vistok.evaluation.retrieval import nearest_captions
from vistok.probes.cell_net import Contents
from vistok.world.draws import Draws
from vistok.world.prompts import (
    KINDS,
    sample_held_out,
    sample_near_miss,
    sample_prompts,
    sample_showing,
)
from vistok.world.scene import Scene
from vistok.world.write_geneval import METADATA, write_geneval


def objects(scene: Scene) -> list[Seen]:
    return [
        Seen(group.category, group.color, placed.row, placed.column)
        for group in scene.groups
        for placed in group.objects
    ]


def test_the_rule_agrees_with_the_scenes_that_prompts_are_about(tmp_path: Path) -> None:
    draws = Draws(np.random.default_rng(2))
    held_out = sample_held_out(draws)
    prompts = [
        prompt
        for kind in KINDS
        for asks in (False, True)
        for prompt in sample_prompts(draws, kind, held_out, 25, asks=asks)
    ]
    write_geneval(prompts, tmp_path)
    read = read_prompts(tmp_path / METADATA)
    assert [prompt.text for prompt in read] == [prompt.text for prompt in prompts]
    for prompt, asked in zip(prompts, read, strict=True):
        assert shows(asked, objects(sample_showing(draws, prompt))), prompt.text
        assert not shows(asked, objects(sample_near_miss(draws, prompt))), prompt.text


RING, STAR = Requirement("ring", 1), Requirement("star", 1, None, "left of", 0)


@pytest.mark.parametrize(
    ("include", "exclude", "seen", "right"),
    [
        ((Requirement("ring", 2),), (Requirement("ring", 3),), [("ring", 0, 0), ("ring", 0, 1)], True),
        ((Requirement("ring", 2),), (Requirement("ring", 3),), [("ring", 0, 0)] * 3, False),
        ((Requirement("ring", 2),), (), [("ring", 0, 0)], False),
        ((RING, STAR), (), [("ring", 0, 2), ("star", 2, 1)], True),  # diagonally, as in GenEval
        ((RING, STAR), (), [("ring", 0, 1), ("star", 2, 1)], False),
        ((RING, STAR), (), [("ring", 0, 1), ("ring", 0, 0), ("star", 2, 0)], False),
    ],
)
def test_numbers_and_sides(
    include: tuple[Requirement, ...],
    exclude: tuple[Requirement, ...],
    seen: Sequence[tuple[str, int, int]],
    right: bool,
) -> None:
    found = [Seen(name, "red", row, column) for name, row, column in seen]
    assert shows(Prompt("counting", "", include, exclude), found) == right


def test_a_colour_is_of_the_object_that_is_named() -> None:
    found = [Seen("ring", "blue", 0, 0), Seen("star", "red", 0, 1)]
    asked = Prompt("color_attr", "", (Requirement("ring", 1, "red"), Requirement("star", 1, "blue")))
    assert not shows(asked, found)
    assert shows(asked, [Seen("ring", "red", 0, 0), Seen("star", "blue", 0, 1)])


def test_cells_are_read_by_their_names() -> None:
    category, colour = np.zeros((3, 3), np.int64), np.zeros((3, 3), np.int64)
    category[1, 2], colour[1, 2] = 2, 1
    assert seen_in(category, colour, Contents(("bar", "square"), ("blue", "red"))) == [
        Seen("square", "blue", 1, 2)
    ]


def test_the_overall_score_is_the_mean_of_kinds_and_its_interval_is_over_prompts() -> None:
    rng = np.random.default_rng(0)
    kinds = {"one": np.ones((12, 4)), "two": (rng.random((40, 4)) < 0.25).astype(float)}
    score = score_of(kinds, resamples=2000)
    assert score.value == pytest.approx(100 * (1 + kinds["two"].mean()) / 2) and score.n == 52
    spread = 100 * kinds["two"].mean(axis=1).std() / np.sqrt(40) / 2
    assert score.low and score.high and (score.high - score.low) == pytest.approx(3.92 * spread, rel=0.1)
    assert score_of({"one": kinds["one"][:4]}, resamples=50).low is None


def test_the_nearest_caption_is_found_by_words_in_their_order() -> None:
    captions = ["a star left of a ring", "a ring left of a star", "two rings on sand", "a ring"]
    asked = ["a ring left of a star", "two rings", "a ring", "a ring and a ring"]
    assert nearest_captions(asked, captions).tolist() == [1, 2, 3, 3]
    assert nearest_captions(["a ring"], ["a ring", "a ring"]).tolist() == [0]
