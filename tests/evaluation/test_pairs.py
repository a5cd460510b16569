"""Rows are told apart at the level that is stated, and as often as their difference allows."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pytest
from scipy.special import stdtrit

from vistok.errors import VistokError
from vistok.evaluation.pairs import ByImage, Pair, compare_rows, told_apart
from vistok.evaluation.statistics import group_sums

IMAGES = 120


def simulated(
    generator: np.random.Generator,
    means: Sequence[float],
    spreads: Sequence[float],
    trainings: Sequence[int],
    of_seeds: float = 0.0,
) -> dict[str, ByImage]:
    """Returns rows of right and wrong answers: images, seeds, trainings and chance move the odds of being right.

    Args:
        generator: of all chance.
        means: of each row, in log odds; equal means are no difference between trainings to come.
        spreads: the standard deviation of each row's trainings, in log odds.
        trainings: how often each row is trained.
        of_seeds: the standard deviation of what a seed does to all rows alike, in log odds.
    """
    counts = generator.integers(1, 4, size=IMAGES)
    images = generator.normal(0, 1, size=IMAGES)
    seeds = generator.normal(0, of_seeds, size=(max(trainings), 1))
    rows = {}
    for name, (mean, spread, number) in enumerate(zip(means, spreads, trainings, strict=True)):
        of_row = images + generator.normal(0, 0.5, size=IMAGES)
        own = generator.normal(0, 0.7, size=(number, IMAGES)) + generator.normal(0, spread, size=(number, 1))
        right = generator.binomial(counts, 1 / (1 + np.exp(-(mean + of_row + seeds[:number] + own))))
        rows[str(name)] = ByImage(100.0 * right, counts.astype(np.float64))
    return rows


def told(rows: dict[str, ByImage]) -> list[bool]:
    return [*told_apart([pair.p_value for pair in compare_rows(rows)])]


@pytest.mark.parametrize(
    ("spreads", "trainings", "of_seeds"),
    [
        ([0.0] * 4, [1] * 4, 0.0),
        ([0.0] * 4, [3] * 4, 0.0),
        ([0.3] * 4, [3] * 4, 0.0),
        ([0.3] * 4, [3] * 4, 0.3),
        ([0.4, 0.4, 0.0, 0.0], [3] * 4, 0.0),
        ([0.2] * 4, [1, 1, 1, 3], 0.0),
        ([0.2] * 4, [2, 3, 2, 3], 0.2),
    ],
)
def test_equal_rows_are_told_apart_in_one_family_of_twenty_at_most(
    spreads: list[float], trainings: list[int], of_seeds: float
) -> None:
    """At 5 % of 400 families 20 are expected; more than 34 have a chance of one in a thousand."""
    generator = np.random.default_rng(0)
    wrong = sum(any(told(simulated(generator, [0.0] * 4, spreads, trainings, of_seeds))) for _ in range(400))
    assert wrong <= 34


def test_a_test_over_images_alone_takes_a_lucky_training_for_a_better_row() -> None:
    """What the spread between trainings is for: without it equal rows are told apart far too often."""
    generator, known, unknown = np.random.default_rng(0), 0, 0
    for _ in range(200):
        rows = simulated(generator, [0.0, 0.0], [0.3, 0.3], [3, 3])
        (pair,) = compare_rows(rows)
        known += pair.p_value < 0.05
        influence = [row.influence.mean(axis=0) for row in rows.values()]
        error = float(((influence[0] - influence[1]) ** 2).sum()) ** 0.5
        unknown += 2 * NormalDist().cdf(-abs(pair.difference) / error) < 0.05
    assert known <= 20
    assert unknown >= 50


def test_rows_that_differ_are_told_apart() -> None:
    generator = np.random.default_rng(1)
    found = [told(simulated(generator, [0.0, 0.0, 1.0, 2.0], [0.1] * 4, [3] * 4, 0.3)) for _ in range(100)]
    equal, *different = np.mean(found, axis=0)
    assert equal <= 0.1
    assert min(different) >= 0.9


def test_a_pair_over_images_alone_is_a_clustered_comparison(generator: np.random.Generator) -> None:
    """One training each: the error is that of a ratio of sums over images, by hand."""
    values = generator.integers(0, 2, size=(2, 60)) * 100.0
    images = np.sort(generator.integers(0, 25, size=60))
    sums = [group_sums(row, images.tolist()) for row in values]
    rows = {name: ByImage(row[None], counts) for name, (row, counts) in zip("ab", sums, strict=True)}
    (pair,) = compare_rows(rows)
    differences = values[0] - values[1]
    over = [sum(differences[images == image] - differences.mean()) for image in dict.fromkeys(images)]
    expected = (sum(part**2 for part in over) * len(over) / (len(over) - 1)) ** 0.5 / 60
    assert pair.difference == pytest.approx(differences.mean())
    assert (pair.error, pair.freedom) == (pytest.approx(expected), len(over) - 1)
    assert pair.noise == "questions"


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(2)


def shifted(shared: np.ndarray, *shifts: float) -> ByImage:
    """Returns a row whose trainings differ by a constant."""
    return ByImage(np.array([shared + shift for shift in shifts]), np.ones(len(shared)))


def test_trainings_of_rows_that_have_unequal_numbers_of_them_are_their_own(
    generator: np.random.Generator,
) -> None:
    """By hand: each row's variance over its number of trainings, and one degree of freedom less than it has."""
    shared = generator.normal(50, 10, size=IMAGES)
    (pair,) = compare_rows({"a": shifted(shared, -2, 0, 2), "b": shifted(shared, 3, 5)})
    assert pair.difference == pytest.approx(-4)
    pooled = (2 * 4 + 1 * 2) / 3
    assert pair.error == pytest.approx((pooled / 3 + pooled / 2) ** 0.5)
    assert pair.freedom == pytest.approx(3)
    assert pair.noise == "questions and trainings"


def test_trainings_of_rows_that_have_equally_many_are_paired(generator: np.random.Generator) -> None:
    """By hand: the standard error of the mean of three differences, with two degrees of freedom."""
    shared = generator.normal(50, 10, size=IMAGES)
    (pair,) = compare_rows({"a": shifted(shared, -2, 0, 2), "b": shifted(shared, 3, 4, 5)})
    assert pair.difference == pytest.approx(-4)
    assert pair.error == pytest.approx((np.var([-5, -4, -3], ddof=1) / 3) ** 0.5)
    assert pair.freedom == pytest.approx(2)
    assert pair.noise == "questions and trainings"


def test_what_a_seed_does_to_all_rows_alike_is_no_noise_of_their_difference(
    generator: np.random.Generator,
) -> None:
    shared = generator.normal(50, 10, size=IMAGES)
    rows = {name: shifted(shared + mean, -9, 1, 8) for name, mean in {"a": 0.0, "b": 0.5, "c": 4.0}.items()}
    assert [(round(pair.difference, 9), round(pair.error, 9)) for pair in compare_rows(rows)] == [
        (-0.5, 0),
        (-4, 0),
        (-3.5, 0),
    ]


def test_the_spread_of_paired_trainings_is_pooled_over_all_rows(generator: np.random.Generator) -> None:
    """The pair that vary alike has the error of the pooled interaction, the pair that do not its own greater one."""
    shared = generator.normal(50, 10, size=IMAGES)
    alike, other = shifted(shared, -1, 0, 1), shifted(shared, 2, 0, -2)
    calm, *wild = compare_rows({"a": alike, "b": alike, "c": other})
    pooled = (2 + 2 + 8) / 4  # the shifts squared, for seeds have no mean, over (3 - 1) (3 - 1)
    assert (calm.error, calm.freedom) == (pytest.approx((2 * pooled / 3) ** 0.5), pytest.approx(4))
    assert [pair.error for pair in wild] == pytest.approx([(np.var([-3, 0, 3], ddof=1) / 3) ** 0.5] * 2)


def test_a_row_of_one_training_takes_the_spread_of_the_others(generator: np.random.Generator) -> None:
    counts, shared = np.ones(IMAGES), generator.normal(50, 10, size=IMAGES)
    several = ByImage(np.array([shared - 2, shared, shared + 2]), counts)
    (pair, *_, last) = compare_rows(
        {"a": several, "b": ByImage(shared[None], counts), "c": ByImage(shared[None] + 9, counts)}
    )
    assert pair.error == pytest.approx((4 / 3 + 4) ** 0.5)
    assert (last.error, last.freedom) == (pytest.approx(8**0.5), pytest.approx(2))


def test_rows_that_answer_alike_are_not_told_apart() -> None:
    same = ByImage(np.full((3, IMAGES), 100.0), np.ones(IMAGES))
    (pair,) = compare_rows({"a": same, "b": same})
    assert pair == Pair("a", "b", 0.0, 0.0, pair.freedom, 1.0, "questions and trainings")


def test_one_row_alone_has_no_pair() -> None:
    assert compare_rows({"a": ByImage(np.full((3, IMAGES), 50.0), np.ones(IMAGES))}) == ()


def test_holms_steps_stop_at_the_first_that_is_not_rejected() -> None:
    assert told_apart([0.04, 0.001, 0.02, 0.03]) == (False, True, False, False)
    assert told_apart([0.04, 0.001, 0.016, 0.024]) == (True, True, True, True)
    assert told_apart([0.013, 0.02]) == (True, True)
    assert told_apart([]) == ()


def test_other_questions_and_few_images_are_refused() -> None:
    row = ByImage(np.zeros((1, 12)), np.ones(12))
    with pytest.raises(VistokError, match="the rows a, b answered different questions"):
        compare_rows({"a": row, "b": ByImage(np.zeros((1, 12)), np.full(12, 2.0))})
    few = ByImage(np.zeros((1, 9)), np.ones(9))
    with pytest.raises(VistokError, match="about 9 images, too few for a test: 10 are needed"):
        compare_rows({"a": few, "b": few})


def test_a_pair_has_an_interval_and_turns_without_a_negative_nothing() -> None:
    rng = np.random.default_rng(0)
    one, other = (ByImage(rng.integers(0, 2, (1, 40)) * 100.0, np.ones(40)) for _ in range(2))
    (pair,) = compare_rows({"a": one, "b": other})
    low, high = pair.interval
    half = stdtrit(39, 0.975) * pair.error
    assert low == pytest.approx(pair.difference - half) and high == pytest.approx(pair.difference + half)
    turned = pair.turned()
    assert (turned.first, turned.second, turned.difference) == ("b", "a", -pair.difference)
    assert turned.interval == pytest.approx((-high, -low)) and turned.p_value == pair.p_value
    (same,) = compare_rows({"a": one, "b": one})
    assert str(same.turned().difference) == "0.0" and same.turned().interval == (0.0, 0.0)
