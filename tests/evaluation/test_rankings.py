"""Rank correlations against scipy's, and what their interval is by hand."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from vistok.evaluation.pairs import ByImage
from vistok.evaluation.rankings import agreement_of_ranks

IMAGES = 60


def row(right: np.ndarray) -> ByImage:
    """A row of one training with one question an image."""
    return ByImage(100.0 * right[None].astype(np.float64), np.ones(len(right)))


def rows(skills: list[float], seed: int) -> list[ByImage]:
    generator = np.random.default_rng(seed)
    return [row(generator.random(IMAGES) < skill) for skill in skills]


def test_it_is_spearmans_correlation_of_the_scores() -> None:
    first, second = rows([0.2, 0.4, 0.4, 0.8, 0.9], 1), rows([0.3, 0.5, 0.2, 0.6, 0.9], 2)
    result = agreement_of_ranks(first, second)
    scores = [[float(each.values[0]) for each in side] for side in (first, second)]
    assert result and result.value == pytest.approx(spearmanr(*scores).statistic)
    assert (
        result.low is not None and result.high is not None and result.low <= result.value <= result.high <= 1
    )


def test_the_same_answers_agree_whatever_images_are_drawn() -> None:
    same = rows([0.1, 0.5, 0.9], 3)
    result = agreement_of_ranks(same, same)
    assert result and (result.value, result.low, result.high) == pytest.approx((1.0, 1.0, 1.0))
    turned = agreement_of_ranks(same, same[::-1])
    assert turned and turned.value == pytest.approx(-1.0)


def test_rows_that_hardly_differ_have_a_wide_interval() -> None:
    close = agreement_of_ranks(rows([0.5] * 5, 4), rows([0.5] * 5, 5))
    far = agreement_of_ranks(rows([0.1, 0.3, 0.5, 0.7, 0.9], 4), rows([0.1, 0.3, 0.5, 0.7, 0.9], 5))
    assert close and far and close.low is not None and far.low is not None
    assert close.low < 0 < 0.5 < far.low


def test_trainings_count_with_their_mean() -> None:
    first = rows([0.2, 0.5, 0.8], 6)
    twice = [ByImage(np.concatenate([each.sums, 100 - each.sums]), each.counts) for each in first]
    assert agreement_of_ranks(first, first) != agreement_of_ranks(first, twice)
    alike = agreement_of_ranks(first, twice)
    assert alike and alike.value is None and alike.low is None, "every row's mean is one half"


def test_too_few_rows_or_images_have_none() -> None:
    assert agreement_of_ranks(rows([0.1, 0.9], 7), rows([0.1, 0.9], 8)) is None
    few = [row(np.arange(9) < count) for count in (2, 4, 8)]
    assert agreement_of_ranks(few, few) is None
