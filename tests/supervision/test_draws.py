"""Numbers that do not depend on how many processes share a batch."""

import numpy as np
import pytest

from vistok.supervision.draws import Draws, share_of


def test_the_whole_batch_draws_as_its_generator() -> None:
    draws, generator = Draws.whole([3, 1], 5), np.random.default_rng([3, 1])
    assert np.array_equal(draws.uniform(2, 4), generator.uniform(2, 4, 5))
    assert np.array_equal(draws.random(), generator.random(5))
    assert np.array_equal(draws.random(7), generator.random((5, 7)))
    assert np.array_equal(draws.repeated(2).uniform(0, 1), generator.uniform(0, 1, 10))
    assert draws.together.integers(9) == generator.integers(9)


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_shares_are_equal_and_make_up_the_batch(processes: int) -> None:
    shares = [share_of(12, process, processes) for process in range(processes)]
    assert sorted(np.concatenate(shares)) == list(range(12))
    for share in shares:
        assert len(share) == 12 // processes
        assert np.array_equal(share[::-1], 11 - share)  # each image's mirror stands where its own mirror does


def test_a_share_draws_its_rows_of_the_whole() -> None:
    whole = Draws.whole(0, 8)
    numbers, views, shared = whole.uniform(0, 1), whole.repeated(2).random(3), whole.together.random()
    for process in range(2):
        rows = share_of(8, process, 2)
        draws = Draws(np.random.default_rng(0), rows, 8)
        assert np.array_equal(draws.uniform(0, 1), numbers[rows])
        assert np.array_equal(draws.repeated(2).random(3), views[[*rows, *(8 + rows)]])
        assert draws.together.random() == shared
