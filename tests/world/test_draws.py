from collections import Counter

import numpy as np

from vistok.world.draws import Draws


def test_the_same_seed_draws_the_same_numbers() -> None:
    first, second = (Draws(np.random.default_rng(1)) for _ in range(2))
    assert [first.below(1000) for _ in range(5000)] == [second.below(1000) for _ in range(5000)]


def test_numbers_are_pinned() -> None:
    draws = Draws(np.random.Generator(np.random.PCG64(0)))
    assert [draws.below(100) for _ in range(8)] == PINNED


PINNED = [85, 63, 51, 26, 30, 4, 7, 1]


def test_bounds_are_reached_and_kept(draws: Draws) -> None:
    assert {draws.below(3) for _ in range(200)} == {0, 1, 2}
    assert {draws.between(-2, 2) for _ in range(300)} == {-2, -1, 0, 1, 2}


def test_weights_say_how_often(draws: Draws) -> None:
    drawn = Counter(draws.weighted((70, 0, 30)) for _ in range(4000))
    assert set(drawn) == {0, 2}
    assert 0.67 < drawn[0] / 4000 < 0.73


def test_a_sample_has_different_items_in_every_order(draws: Draws) -> None:
    assert {tuple(draws.shuffled("abc")) for _ in range(200)} == {
        ("a", "b", "c"), ("a", "c", "b"), ("b", "a", "c"), ("b", "c", "a"), ("c", "a", "b"), ("c", "b", "a"),
    }  # fmt: skip
    assert all(len(set(draws.sample(range(9), 4))) == 4 for _ in range(100))
