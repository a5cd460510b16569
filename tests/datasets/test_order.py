"""The order of examples: every one once an epoch, and a function of seed and position alone."""

import numpy as np
import pytest

from vistok.datasets.order import epoch_order, example_at, examples_at


def test_every_epoch_shows_each_example_once_in_an_order_of_its_own() -> None:
    shown = examples_at(range(300), 100, seed=3).reshape(3, 100)
    assert all(sorted(epoch) == list(range(100)) for epoch in shown)
    assert len({tuple(epoch) for epoch in shown}) == 3


def test_one_at_a_time_and_many_at_once_agree() -> None:
    many = examples_at(range(15, 60), 10, seed=1)
    assert many.dtype == np.int64
    assert many.tolist() == [example_at(position, 10, seed=1) for position in range(15, 60)]
    assert examples_at(range(15, 60, 4), 10, seed=1).tolist() == many[::4].tolist()


def test_a_position_does_not_depend_on_what_was_asked_before() -> None:
    expected = [example_at(position, 10, seed=1) for position in range(200)]
    epoch_order.cache_clear()
    assert [example_at(position, 10, seed=1) for position in reversed(range(200))] == expected[::-1]


def test_shares_of_several_processes_make_one_stream() -> None:
    whole = examples_at(range(24), 10, seed=5)
    shares = [examples_at(range(process, 24, 3), 10, seed=5) for process in range(3)]
    assert np.stack(shares, axis=1).ravel().tolist() == whole.tolist()


def test_seeds_and_sizes_have_orders_of_their_own() -> None:
    orders = {tuple(epoch_order(50, 0, seed)) for seed in range(5)}
    assert len(orders) == 5
    assert sorted(epoch_order(51, 0, 0)) == list(range(51))


def test_the_order_is_not_the_stream_of_a_position() -> None:
    """Samples draw their chances from [seed, position]: an epoch's order must not be made of the same numbers."""
    order = epoch_order(1000, 4, 7)
    assert order.tolist() != np.random.default_rng([7, 4]).permutation(1000).tolist()


def test_a_remembered_order_cannot_be_spoilt() -> None:
    with pytest.raises(ValueError, match="read-only"):
        epoch_order(10, 0, 0)[0] = 3
