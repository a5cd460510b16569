"""Draws are level, hold each answer to its share, and depend on nothing but the generator's seed."""

from collections import Counter

import numpy as np
import pytest

from vistok.benchmark.balance import cut_to_share, level_off

SIZES = {("cup", 1): 40, ("cup", 2): 10, ("cup", 3): 3, ("dog", 1): 5}
CELLS = {key: [f"{key[0]}-{key[1]}-{place}" for place in range(size)] for key, size in SIZES.items()}


def heights(items: list[str]) -> dict[str, int]:
    return {
        "-".join(map(str, key)): sum(item.startswith(f"{key[0]}-{key[1]}-") for item in items)
        for key in CELLS
    }


def test_cells_are_used_to_one_height_as_far_as_they_reach() -> None:
    chosen = level_off(CELLS, 4 + 4 + 4 + 3, np.random.default_rng(0))
    assert heights(chosen) == {"cup-1": 4, "cup-2": 4, "cup-3": 3, "dog-1": 4}
    assert len(set(chosen)) == len(chosen)


def test_the_last_round_is_cut_at_the_total() -> None:
    assert len(level_off(CELLS, 14, np.random.default_rng(0))) == 14
    assert len(level_off(CELLS, 1000, np.random.default_rng(0))) == sum(SIZES.values())
    assert level_off({}, 5, np.random.default_rng(0)) == []


def test_the_same_seed_draws_the_same_items() -> None:
    assert level_off(CELLS, 9, np.random.default_rng(3)) == level_off(CELLS, 9, np.random.default_rng(3))
    assert level_off(CELLS, 9, np.random.default_rng(3)) != level_off(CELLS, 9, np.random.default_rng(4))


@pytest.mark.parametrize("share", [0.25, 0.4, 0.5])
def test_a_share_holds_however_few_are_drawn(share: float) -> None:
    cells = {(name, count): [(name, count)] * (90 // count) for name in "abc" for count in range(1, 7)}
    for seed in range(5):
        random = np.random.default_rng(seed)
        cut = cut_to_share(cells, share, random)
        for total in range(3, 60):
            chosen = level_off(cut, total, random, largest_share=share)
            for name in {name for name, _ in chosen}:
                drawn = Counter(answer for found, answer in chosen if found == name)
                assert max(drawn.values()) <= share * drawn.total()
            assert total - 1 / share < len(chosen) <= total


@pytest.mark.parametrize("share", [0.25, 0.4, 0.5])
def test_no_answer_has_more_than_its_share_of_an_object(share: float) -> None:
    cells = {("cup", count): list(range(90 // count)) for count in range(1, 10)}
    cut = cut_to_share(cells, share, np.random.default_rng(0))
    sizes = [len(items) for items in cut.values()]
    assert max(sizes) <= share * sum(sizes)
    assert (
        max(sizes) + 1 > share * (sum(sizes) + sum(size == max(sizes) for size in sizes)) or max(sizes) == 90
    )


def test_an_object_with_too_few_answers_is_left_out() -> None:
    assert cut_to_share(CELLS, 0.25, np.random.default_rng(0)) == {}
    assert {name for name, _ in cut_to_share(CELLS, 0.5, np.random.default_rng(0))} == {"cup"}
