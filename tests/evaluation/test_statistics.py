"""Intervals and tests against values that are known otherwise."""

import csv
import math
import time
from pathlib import Path

import numpy as np
import pytest

from vistok.errors import VistokError
from vistok.evaluation.statistics import (
    bootstrap_interval,
    group_sums,
    homogeneity_test,
    interval_of_mean,
    paired_test,
    wilson_interval,
)


def test_the_interval_of_independent_questions_is_the_normal_one() -> None:
    values = np.repeat([0.0, 100.0], [600, 400])
    low, high = bootstrap_interval(values, range(1000))
    reach = 1.96 * 100 * math.sqrt(0.4 * 0.6 / 1000)
    assert (low, high) == pytest.approx((40 - reach, 40 + reach), abs=0.15)


def test_the_interval_of_grouped_questions_is_that_of_their_groups() -> None:
    values = np.repeat([0.0, 100.0], [600, 400])
    grouped = bootstrap_interval(values, [index // 10 for index in range(1000)])
    of_groups = bootstrap_interval(np.repeat([0.0, 100.0], [60, 40]), range(100))
    assert grouped == of_groups


def test_groups_of_unequal_size_weigh_by_their_questions() -> None:
    generator = np.random.default_rng(3)
    groups = np.repeat(np.arange(200), generator.integers(1, 9, 200))
    effect = generator.normal(size=200)[groups]
    low, high = bootstrap_interval(effect, groups.tolist(), resamples=4000)
    sums, counts = group_sums(effect, groups.tolist())
    # The linearised standard error of a ratio of sums.
    error = math.sqrt(np.sum((sums - effect.mean() * counts) ** 2)) / counts.sum()
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.06)
    assert (high + low) / 2 == pytest.approx(effect.mean(), abs=0.2 * error)


def test_the_interval_is_the_same_every_time_and_depends_on_the_seed() -> None:
    values = np.random.default_rng(1).normal(size=50)
    first, again = bootstrap_interval(values, range(50)), bootstrap_interval(values, range(50))
    assert first == again != bootstrap_interval(values, range(50), seed=1)


def test_a_lower_level_is_a_shorter_interval() -> None:
    values = np.random.default_rng(1).normal(size=50)
    wide, narrow = bootstrap_interval(values, range(50)), bootstrap_interval(values, range(50), level=0.5)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_constant_values_have_no_width() -> None:
    assert bootstrap_interval([25.0] * 7, ["a"] * 4 + ["b"] * 3) == (25.0, 25.0)


def test_ten_thousand_resamples_of_ten_thousand_questions_take_seconds() -> None:
    values = 100.0 * (np.random.default_rng(0).random(10_000) < 0.5)
    groups = (np.arange(10_000) // 2).tolist()
    started = time.process_time()
    bootstrap_interval(values, groups)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(("values", "groups"), [([], []), ([1.0], [])])
def test_values_and_groups_must_pair_up(values: list[float], groups: list[int]) -> None:
    with pytest.raises(VistokError, match="values and 0 groups"):
        bootstrap_interval(values, groups)


def test_a_paired_test_of_ten_images_all_one_way_is_the_sign_test() -> None:
    test = paired_test([100.0] * 10, [0.0] * 10, range(10), resamples=40_000)
    assert test.difference == 100.0
    assert test.interval == (100.0, 100.0)
    assert test.p_value == pytest.approx(2 / 2**10, rel=0.25)


def test_a_paired_test_by_image_is_not_fooled_by_many_questions_of_few_images() -> None:
    images = np.repeat(np.arange(4), 100).tolist()
    by_image = paired_test([100.0] * 400, [0.0] * 400, images)
    assert by_image.p_value == pytest.approx(2 / 2**4, rel=0.1)


def test_equal_runs_do_not_differ() -> None:
    assert paired_test([0.0, 100.0, 0.0], [0.0, 100.0, 0.0], "abc").p_value == 1.0


def test_p_values_of_equal_runs_are_uniform() -> None:
    generator = np.random.default_rng(5)
    found = [
        paired_test(generator.normal(size=40), generator.normal(size=40), range(40), resamples=400).p_value
        for _ in range(300)
    ]
    assert np.mean(np.array(found) < 0.1) == pytest.approx(0.1, abs=0.05)
    assert np.mean(found) == pytest.approx(0.5, abs=0.06)


def test_paired_runs_must_answer_the_same_questions() -> None:
    with pytest.raises(VistokError, match="2 and 1 values"):
        paired_test([1.0, 2.0], [1.0], "ab")


def test_the_coco_oc_column_of_table_2_is_homogeneous(shared_data: Path) -> None:
    with (shared_data.parent / "published" / "table2.csv").open(newline="") as stream:
        shares = [float(row["COCO-OC"]) for row in csv.DictReader(stream)]
    test = homogeneity_test(shares, 200)
    assert (round(test.chi2, 1), test.degrees, round(test.p_value, 2)) == (11.8, 11, 0.38)


def test_homogeneity_is_the_chi_square_of_the_two_by_two_table() -> None:
    test = homogeneity_test([30.0, 50.0], [100, 100])
    assert test.chi2 == pytest.approx(200 * (30 * 50 - 50 * 70) ** 2 / (100 * 100 * 80 * 120))
    assert test.p_value == pytest.approx(math.erfc(math.sqrt(test.chi2 / 2)))


def test_equal_or_extreme_shares_are_homogeneous() -> None:
    assert homogeneity_test([40.0, 40.0, 40.0], 50).p_value == 1.0
    assert homogeneity_test([100.0, 100.0], 50).p_value == 1.0
    with pytest.raises(VistokError, match="two or more shares"):
        homogeneity_test([40.0], 50)


@pytest.mark.parametrize(
    ("share", "questions", "interval"),
    [
        (50.0, 100, (40.38, 59.62)),
        (0.0, 10, (0.0, 27.75)),
        (100.0, 10, (72.25, 100.0)),
        (47.5, 200, (40.69, 54.40)),
    ],
)
def test_the_wilson_interval(share: float, questions: int, interval: tuple[float, float]) -> None:
    assert wilson_interval(share, questions) == pytest.approx(interval, abs=0.01)


def test_the_wilson_interval_needs_questions() -> None:
    with pytest.raises(VistokError, match=r"47\.5 of 0"):
        wilson_interval(47.5, 0)


def test_few_images_have_no_interval() -> None:
    values = [0.0, 100.0] * 9
    assert interval_of_mean(values, [index // 2 for index in range(18)]) is None
    assert interval_of_mean(values, [0] * 18) is None
    assert interval_of_mean(values, range(18)) == bootstrap_interval(values, range(18))


@pytest.mark.parametrize(("share", "ends"), [(0.0, (0.0, 11.35)), (100.0, (88.65, 100.0))])
def test_answers_that_are_all_wrong_or_all_right_leave_room(share: float, ends: tuple[float, float]) -> None:
    """Resamples of equal values are all equal: the interval would have no width."""
    assert bootstrap_interval([share] * 60, range(60)) == (share, share)
    groups = [index // 2 for index in range(60)]
    assert interval_of_mean([share] * 60, groups) == pytest.approx(ends, abs=0.01)
    assert interval_of_mean([share] * 60, groups) == wilson_interval(share, 30)
    assert interval_of_mean([share] * 60, groups, shares=False) is None, "CIDEr is no share"
    assert interval_of_mean([25.0] * 60, groups) is None


def test_shares_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(VistokError, match="shares from 0 to 100 per cent"):
        homogeneity_test([float("nan"), 5.0], 200)
