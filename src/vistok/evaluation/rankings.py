"""Whether two rankings of the same things agree: Spearman's rank correlation, with a bootstrap over images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from vistok.evaluation.pairs import ByImage, Floats
from vistok.evaluation.statistics import LEAST_GROUPS

LEAST_ROWS: Final = 3
_RESAMPLES: Final = 2000
_AT_ONCE: Final = 100
_LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Agreement:
    """A rank correlation (-1 to 1) with its 95 % interval.

    `value` is None where one of the rankings has all rows alike, and the interval where that is so of more than one
    resample in twenty.
    """

    value: float | None
    low: float | None
    high: float | None


def agreement_of_ranks(first: Sequence[ByImage], second: Sequence[ByImage]) -> Agreement | None:
    """Returns how well the order of rows agrees under two recipes, row by row of the same thing.

    All are scored on the same images, which are resampled together, so that their noise moves both rankings. A row of
    several trainings counts with their mean. None for fewer than three rows or ten images.
    """
    rows = [*first, *second]
    counts = rows[0].counts
    if len(first) != len(second) or len(first) < LEAST_ROWS or len(counts) < LEAST_GROUPS:
        return None
    sums = np.array([row.sums.mean(axis=0) for row in rows])
    (value,) = _correlations(sums, counts, np.ones((1, len(counts))))
    generator = np.random.default_rng(0)
    even = np.full(len(counts), 1 / len(counts))
    batches = [
        _correlations(sums, counts, generator.multinomial(len(counts), even, _AT_ONCE).astype(np.float64))
        for _ in range(_RESAMPLES // _AT_ONCE)
    ]
    drawn = np.concatenate(batches)
    defined = drawn[~np.isnan(drawn)]
    ends: tuple[float | None, float | None] = (None, None)
    if not np.isnan(value) and len(defined) >= _LEVEL * len(drawn):
        tail = 100 * (1 - _LEVEL) / 2
        low, high = np.percentile(defined, [tail, 100 - tail])
        ends = (float(low), float(high))
    return Agreement(None if np.isnan(value) else float(value), *ends)


def _correlations(sums: Floats, counts: Floats, weights: Floats) -> Floats:
    """Returns the rank correlation of the first half of the rows with the second, for each weighting of the images."""
    scores = weights @ sums.T / (weights @ counts)[:, None]
    half = scores.shape[1] // 2
    one, two = _ranks(scores[:, :half]), _ranks(scores[:, half:])
    with np.errstate(invalid="ignore"):
        together = (one * two).sum(axis=1) / np.sqrt((one**2).sum(axis=1) * (two**2).sum(axis=1))
    return np.asarray(together, dtype=np.float64)


def _ranks(scores: Floats) -> Floats:
    """Returns each row's rank less the mean rank; what is equal shares the mean of its ranks."""
    above, below = scores[:, :, None], scores[:, None, :]
    ranks = (above > below).sum(axis=2) + ((above == below).sum(axis=2) - 1) / 2
    return np.asarray(ranks - (scores.shape[1] - 1) / 2, dtype=np.float64)
