"""Estimates carry the error of the images that they are made on, and shares of variance are what they are called."""

import numpy as np
import pytest

from vistok.probes.values import (
    Estimate,
    block_of,
    effective_rank,
    jackknifed,
    share_of_variance,
)

CHANCE = np.random.default_rng(0)


def test_the_error_of_a_mean_is_its_deviation_over_the_root_of_the_number() -> None:
    values = CHANCE.normal(size=1000)
    blocks = np.repeat(np.arange(50), 20)
    estimate = jackknifed(lambda kept: float(values[kept].mean()), blocks)
    means = values.reshape(50, 20).mean(axis=1)
    assert estimate.value == pytest.approx(values.mean())
    assert estimate.error == pytest.approx(means.std(ddof=1) / np.sqrt(50))


def test_the_error_of_a_difference_is_that_of_pairs() -> None:
    hard, noise = CHANCE.normal(size=(50, 20)).ravel(), 0.1 * CHANCE.normal(size=1000)
    blocks = np.repeat(np.arange(50), 20)
    first, second = (
        jackknifed(lambda kept, values=values: float(values[kept].mean()), blocks)
        for values in (hard + noise + 0.05, hard)
    )
    difference = first - second
    assert difference.value == pytest.approx(0.05 + noise.mean())
    assert difference.error < 0.2 * first.error
    with pytest.raises(ValueError, match="shorter"):
        first - Estimate(0.0, (0.0,))


def test_an_image_is_in_one_block() -> None:
    images = np.repeat(np.arange(70), 3)
    blocks = block_of(images).reshape(70, 3)
    assert (blocks == blocks[:, :1]).all() and len(np.unique(blocks)) == 50
    assert len(np.unique(block_of(np.array([4, 9, 9])))) == 2


def anova(tokens: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """The sums of squares between and within groups, by their definition."""
    middle, between, within = tokens.mean(axis=0), 0.0, 0.0
    for group in np.unique(groups):
        part = tokens[groups == group]
        between += len(part) * ((part.mean(axis=0) - middle) ** 2).sum()
        within += ((part - part.mean(axis=0)) ** 2).sum()
    return between, within


def test_a_share_is_the_adjusted_sum_of_squares_between_groups() -> None:
    groups = CHANCE.integers(0, 4, 600)
    tokens = CHANCE.normal(size=(600, 5)) + CHANCE.normal(size=(4, 5))[groups] + 3
    between, within = anova(tokens, groups)
    expected = 100 * (between - 3 * within / 596) / (between + within)
    blocks = CHANCE.integers(0, 10, 600)
    share = share_of_variance(tokens, groups, blocks)
    assert share.value == pytest.approx(expected)
    kept = blocks != np.unique(blocks)[3]
    between, within = anova(tokens[kept], groups[kept])
    assert share.without[3] == pytest.approx(
        100 * (between - 3 * within / (kept.sum() - 4)) / (between + within)
    )


def test_groups_that_say_nothing_have_no_share() -> None:
    tokens, groups = CHANCE.normal(size=(400, 30)), np.arange(400) % 80
    share = share_of_variance(tokens, groups, np.arange(400) // 10)
    between, within = anova(tokens, groups)
    assert 100 * between / (between + within) > 15  # what plain sums of squares would call a share
    assert abs(share.value) < 2


def test_shares_of_what_is_planted_add_up() -> None:
    first, second = CHANCE.integers(0, 9, 4000), CHANCE.integers(0, 6, 4000)
    tokens = 2 * np.eye(9)[first] @ np.eye(9, 40) + np.eye(6)[second] @ np.eye(6, 40, k=20)
    blocks = np.arange(4000) // 80
    shares = [share_of_variance(tokens, groups, blocks).value for groups in (first, second)]
    assert shares == pytest.approx(
        [100 * 4 * 8 / 9 / (4 * 8 / 9 + 5 / 6), 100 * 5 / 6 / (4 * 8 / 9 + 5 / 6)], abs=1
    )
    assert share_of_variance(np.ones((60, 3)), first[:60], np.arange(60)).value == 0.0


def test_the_rank_counts_directions() -> None:
    wide = CHANCE.normal(size=(5000, 12))
    assert effective_rank(wide) == pytest.approx(12, abs=0.2)
    assert effective_rank(wide[:, :1] @ np.ones((1, 12))) == pytest.approx(1)
    assert effective_rank(np.ones((10, 4))) == 0.0
