"""Intervals and tests for scores of questions clustered by image."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vistok.errors import VistokError

Floats: TypeAlias = NDArray[np.float64]

# Fewer images say next to nothing about how others would differ.
LEAST_GROUPS = 10

# Draws held at once: 2 million indices are 8 MB, and their gathered sums 16 MB.
_DRAWS_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True)
class PairedTest:
    """The difference between two runs on the same questions.

    Attributes:
        difference: mean of the first run's values less that of the second's, in their unit.
        interval: of the difference, by bootstrap over images.
        p_value: two-sided, of no difference, by flipping the sign of each image's difference.
    """

    difference: float
    interval: tuple[float, float]
    p_value: float


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """A chi-square test of several shares being one and the same."""

    chi2: float
    degrees: int
    p_value: float


def bootstrap_interval(
    values: ArrayLike,
    groups: Sequence[Hashable],
    *,
    resamples: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """Returns the percentile interval of the mean of `values`, by bootstrap over groups.

    Whole groups are drawn with replacement, as many as there are, and the mean is over the questions drawn.

    Args:
        values: (n,) one value a question.
        groups: (n) the image of each question.
        resamples: number of bootstrap samples.
        seed: of the generator; the same seed gives the same interval.
        level: coverage, 0..1.

    Raises:
        VistokError: there are no values, or groups of another length.
    """
    sums, counts = group_sums(values, groups)
    means = _resampled_means(sums, counts, resamples, seed)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def interval_of_mean(
    values: ArrayLike,
    groups: Sequence[Hashable],
    *,
    shares: bool = True,
    resamples: int = 10_000,
    seed: int = 0,
) -> tuple[float, float] | None:
    """Returns the 95 % interval of a mean in per cent; None for fewer than ten groups, too few for an interval.

    By bootstrap over groups. Where all groups are alike no resample differs, and an interval without a width would
    say certainty: of shares that are all 0 or all 100 it is then Wilson's, for as many independent questions as there
    are groups; of anything else there is none.

    Args:
        values: (n,) one value a question, in per cent.
        groups: (n) the image of each question.
        shares: whether values are shares, 0..100 (CIDEr is none).
        resamples: number of bootstrap samples.
        seed: of the generator.

    Raises:
        VistokError: there are no values, or groups of another length.
    """
    sums, counts = group_sums(values, groups)
    if len(sums) < LEAST_GROUPS:
        return None
    means = sums / counts
    if np.ptp(means) > 0:
        return bootstrap_interval(values, groups, resamples=resamples, seed=seed)
    share = float(means[0])
    return wilson_interval(share, len(sums)) if shares and share in (0.0, 100.0) else None


def group_sums(values: ArrayLike, groups: Sequence[Hashable]) -> tuple[Floats, Floats]:
    """Returns the sum and the number of the values in each group, in order of first appearance.

    Raises:
        VistokError: there are no values, or groups of another length.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if not len(numbers) or len(numbers) != len(groups):
        raise VistokError(f"{len(numbers)} values and {len(groups)} groups: as many of each are needed.")
    order: dict[Hashable, int] = {}
    indices = np.array([order.setdefault(group, len(order)) for group in groups])
    sums = np.bincount(indices, weights=numbers)
    return sums.astype(np.float64), np.bincount(indices).astype(np.float64)


def _resampled_means(sums: Floats, counts: Floats, resamples: int, seed: int) -> Floats:
    generator = np.random.default_rng(seed)
    alike = bool(np.all(counts == counts[0]))
    means = np.empty(resamples)
    rows = max(1, _DRAWS_AT_ONCE // len(sums))
    for start in range(0, resamples, rows):
        drawn = generator.integers(len(sums), size=(min(rows, resamples - start), len(sums)), dtype=np.uint32)
        questions = counts[0] * len(sums) if alike else counts[drawn].sum(axis=1)
        means[start : start + rows] = sums[drawn].sum(axis=1) / questions
    return means


def paired_test(
    first: ArrayLike,
    second: ArrayLike,
    groups: Sequence[Hashable],
    *,
    resamples: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> PairedTest:
    """Compares two runs on the same questions, in the same order, image by image.

    Args:
        first: (n,) values of one run.
        second: (n,) values of the other.
        groups: (n) the image of each question.
        resamples: number of bootstrap samples, and of sign flips.
        seed: of the generators.
        level: coverage of the interval.

    Raises:
        VistokError: there are no values, or the three differ in length.
    """
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if one.shape != other.shape:
        raise VistokError(f"{len(one)} and {len(other)} values: both runs must answer the same questions.")
    differences = one - other
    sums, _ = group_sums(differences, groups)
    return PairedTest(
        float(differences.mean()),
        bootstrap_interval(differences, groups, resamples=resamples, seed=seed, level=level),
        _sign_flip_p_value(sums, resamples, seed),
    )


def _sign_flip_p_value(sums: Floats, resamples: int, seed: int) -> float:
    """Returns the share of sign flips at least as far from 0 as the sums, the sums themselves among them."""
    generator = np.random.default_rng(seed)
    # A flip that only rounding moves below the observed total is as far out as it is.
    observed = abs(sums.sum()) - 1e-9 * np.abs(sums).sum()
    as_far = 0
    rows = max(1, _DRAWS_AT_ONCE // len(sums))
    for start in range(0, resamples, rows):
        flips = generator.integers(2, size=(min(rows, resamples - start), len(sums)), dtype=np.uint8)
        as_far += int(np.count_nonzero(np.abs((2.0 * flips - 1.0) @ sums) >= observed))
    return (1 + as_far) / (1 + resamples)


def homogeneity_test(shares: ArrayLike, questions: ArrayLike) -> Homogeneity:
    """Tests whether independent binomial shares differ by more than chance allows.

    Rows that answer the same questions are positively correlated, so that the test is then conservative; questions
    that share images make it less so.

    Args:
        shares: (k,) shares in per cent, k at least 2.
        questions: the number of questions behind each share, or one number for all.

    Raises:
        VistokError: fewer than two shares, or one outside 0..100.
    """
    from scipy.special import chdtrc

    fractions = np.asarray(shares, dtype=np.float64) / 100.0
    if fractions.ndim != 1 or len(fractions) < 2 or not ((fractions >= 0) & (fractions <= 1)).all():
        raise VistokError(f"two or more shares from 0 to 100 per cent are needed, found {fractions * 100}.")
    sizes = np.broadcast_to(np.asarray(questions, dtype=np.float64), fractions.shape)
    pooled = float(np.average(fractions, weights=sizes))
    spread = float((sizes * (fractions - pooled) ** 2).sum())
    chi2 = spread / (pooled * (1 - pooled)) if 0 < pooled < 1 else 0.0
    return Homogeneity(chi2, len(fractions) - 1, float(chdtrc(len(fractions) - 1, chi2)))


def wilson_interval(share: float, questions: int, *, level: float = 0.95) -> tuple[float, float]:
    """Returns the interval, in per cent, that a share of so many independent questions implies (Wilson 1927).

    Raises:
        VistokError: no questions, or a share outside 0..100.
    """
    if questions < 1 or not 0 <= share <= 100:
        raise VistokError(f"0 to 100 per cent of 1 or more questions are needed: {share} of {questions}.")
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    fraction = share / 100.0
    centre = fraction + z2 / (2 * questions)
    reach = (z2 * (fraction * (1 - fraction) + z2 / (4 * questions)) / questions) ** 0.5
    scale = 100.0 / (1 + z2 / questions)
    return max(0.0, scale * (centre - reach)), min(100.0, scale * (centre + reach))
