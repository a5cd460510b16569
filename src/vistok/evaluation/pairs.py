"""Which rows of a column differ significantly: paired over the images they were all asked about, and over trainings.

Rows are compared as in studies of many readers and many cases (Obuchowski and Rockette 1995, Commun. Stat. Simul.
Comput. 24:285-308): a row is a treatment, its trainings are the readers, and the images are the cases that all of them
see. Rows that were trained equally often are paired by training too, for training k of each has the same seed, and so
the same order of images, the same turns and the same initial connector: readers are crossed with treatments, and what a
seed does to all rows alike is no difference between them. Else readers are nested in treatments. The variance between
trainings is pooled over the rows; degrees of freedom follow Hillis (2007, Stat. Med. 26:596-619). Many pairs are told
apart by Holm's steps (1979, Scand. J. Stat. 6:65-70).

Two changes keep the level with three trainings and rows that differ in spread (measured in docs/scorers.md): the
variance is never taken for less than that of the images alone, and never for less than the pair's own.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vistok.errors import VistokError
from vistok.evaluation.statistics import LEAST_GROUPS

Floats: TypeAlias = NDArray[np.float64]
PairNoise = Literal["questions", "questions and trainings"]
LEVEL = 0.05  # at which pairs are told apart, over a whole family of pairs


@dataclass(frozen=True, slots=True, eq=False)
class ByImage:
    """What a row scored in one column, by training and image.

    Attributes:
        sums: (trainings, images) the sum of the values of each image's questions, in per cent.
        counts: (images,) how many questions each image has.
    """

    sums: Floats
    counts: Floats

    @property
    def values(self) -> Floats:
        """(trainings,) the score of each training: the mean over questions."""
        scores: Floats = self.sums.sum(axis=1) / self.counts.sum()
        return scores

    @property
    def influence(self) -> Floats:
        """(trainings, images) what each image adds to a training's score beyond an image like all others."""
        share: Floats = (self.sums - self.counts * self.values[:, None]) / self.counts.sum()
        return share


@dataclass(frozen=True, slots=True)
class Spread:
    """The variance between a row's trainings: of their scores, and how much of that is by chance of the images alone.

    `freedom` is 0 where it is not known.
    """

    scores: float = 0.0
    of_images: float = 0.0
    freedom: int = 0


@dataclass(frozen=True, slots=True)
class Pair:
    """One row's score less another's, in points.

    Attributes:
        error: the standard error of the difference.
        freedom: the degrees of freedom of `error`.
        p_value: two-sided, of no difference, for this pair alone.
        noise: what would be otherwise in a repetition: other questions, or other trainings too.
    """

    first: str
    second: str
    difference: float
    error: float
    freedom: float
    p_value: float
    noise: PairNoise

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the difference, of this pair alone."""
        from scipy.special import stdtrit

        half = float(stdtrit(self.freedom, 1 - LEVEL / 2)) * self.error
        return self.difference - half, self.difference + half

    def turned(self) -> "Pair":
        """Returns the second row's score less the first's."""
        return replace(self, first=self.second, second=self.first, difference=0.0 - self.difference)


def compare_rows(rows: Mapping[str, ByImage]) -> tuple[Pair, ...]:
    """Returns every pair of rows with its test, in the order of the rows.

    Rows of equally many trainings are paired by training. Else a row that was trained once takes the variance between
    trainings of those that were trained several times; where none was, the test is about these very trainings.

    Raises:
        VistokError: rows were asked other questions, or about fewer than ten images.
    """
    _check(rows)
    trainings = {len(row.sums) for row in rows.values()}
    column = _crossed(rows) if len(trainings) == 1 else _nested(rows)
    return tuple(column.compare(first, second) for first, second in combinations(rows, 2))


def told_apart(p_values: Sequence[float], level: float = LEVEL) -> tuple[bool, ...]:
    """Returns which hypotheses of a family Holm's steps reject: any wrongly with a chance of at most `level`."""
    rejected = [False] * len(p_values)
    for step, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        if p_values[index] > level / (len(p_values) - step):
            break
        rejected[index] = True
    return tuple(rejected)


def _check(rows: Mapping[str, ByImage]) -> None:
    counts = [row.counts for row in rows.values()]
    if any(not np.array_equal(counts[0], other) for other in counts[1:]):
        raise VistokError(
            f"the rows {', '.join(rows)} answered different questions, and no pair of them can be compared. Score them "
            "again with snakemake."
        )
    if counts and len(counts[0]) < LEAST_GROUPS:
        raise VistokError(
            f"the questions are about {len(counts[0])} images, too few for a test: {LEAST_GROUPS} are needed."
        )


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a column, and what is known of how far their trainings lie apart.

    Attributes:
        pooled: over all rows.
        own: of the two rows of a pair by themselves; the pooled one for a row that was trained once.
    """

    rows: Mapping[str, ByImage]
    pooled: Spread
    own: Callable[[str, str], tuple[Spread, Spread]]

    def compare(self, first: str, second: str) -> Pair:
        pair = (first, second)
        one, other = (self.rows[name] for name in pair)
        difference = float(one.values.mean() - other.values.mean())
        influence = one.influence.mean(axis=0) - other.influence.mean(axis=0)
        images = float((influence**2).sum()) * _unbiased(one)
        if not self.pooled.freedom:
            return _tested(pair, difference, images, len(one.counts) - 1.0, "questions")
        pooled = images + self._trained(pair, (self.pooled, self.pooled))
        own = images + self._trained(pair, self.own(first, second))
        freedom = self._freedom(pair, pooled) if own <= pooled else float(self.pooled.freedom)
        return _tested(pair, difference, max(own, pooled), freedom, "questions and trainings")

    def _trained(self, pair: tuple[str, str], spreads: tuple[Spread, Spread]) -> float:
        """Returns the variance that trainings add to a difference beyond that of the images."""
        added = sum(
            (spread.scores - spread.of_images) / len(self.rows[name].sums)
            for name, spread in zip(pair, spreads, strict=True)
        )
        return max(added, 0.0)  # less than nothing, by their few, counts as nothing

    def _freedom(self, pair: tuple[str, str], variance: float) -> float:
        """Returns the degrees of freedom of a variance: its pooled part is estimated, that of the images known."""
        share = self.pooled.scores * sum(1 / len(self.rows[name].sums) for name in pair)
        return self.pooled.freedom * (variance / share) ** 2 if share else math.inf


def _nested(rows: Mapping[str, ByImage]) -> _Rows:
    """Returns rows each of which has trainings of its own."""
    spreads = {name: _within(row) for name, row in rows.items()}
    pooled = _pooled([*spreads.values()])

    def own(first: str, second: str) -> tuple[Spread, Spread]:
        one, other = (spreads[name] if spreads[name].freedom else pooled for name in (first, second))
        return one, other

    return _Rows(rows, pooled, own)


def _crossed(rows: Mapping[str, ByImage]) -> _Rows:
    """Returns rows whose trainings are paired, first with first."""

    def own(first: str, second: str) -> tuple[Spread, Spread]:
        spread = _beyond_seeds([rows[first], rows[second]])
        return spread, spread

    return _Rows(rows, _beyond_seeds([*rows.values()]), own)


def _within(row: ByImage) -> Spread:
    """Returns the spread of one row's trainings about their mean."""
    freedom = len(row.sums) - 1
    if not freedom:
        return Spread()
    influence = row.influence
    apart = float(((influence - influence.mean(axis=0)) ** 2).sum()) / freedom
    return Spread(float(row.values.var(ddof=1)), apart * _unbiased(row), freedom)


def _pooled(spreads: Sequence[Spread]) -> Spread:
    freedom = sum(spread.freedom for spread in spreads)
    if not freedom:
        return Spread()
    return Spread(
        sum(spread.scores * spread.freedom for spread in spreads) / freedom,
        sum(spread.of_images * spread.freedom for spread in spreads) / freedom,
        freedom,
    )


def _beyond_seeds(rows: Sequence[ByImage]) -> Spread:
    """Returns the spread of rows' trainings about what their row and their seed explain: the interaction of the two."""
    freedom = (len(rows) - 1) * (len(rows[0].sums) - 1)
    if not freedom:
        return Spread()
    scores = _interaction(np.array([row.values for row in rows]))
    influence = _interaction(np.array([row.influence for row in rows]))
    return Spread(
        float((scores**2).sum()) / freedom,
        float((influence**2).sum()) / freedom * _unbiased(rows[0]),
        freedom,
    )


def _interaction(values: Floats) -> Floats:
    """Returns what is left of values (rows, trainings, ...) without the means of rows and of trainings."""
    of_rows: Floats = values.mean(axis=1, keepdims=True)
    of_seeds: Floats = (values - of_rows).mean(axis=0)
    return values - of_rows - of_seeds


def _unbiased(row: ByImage) -> float:
    images = len(row.counts)
    return images / (images - 1)


def _tested(
    pair: tuple[str, str], difference: float, variance: float, freedom: float, noise: PairNoise
) -> Pair:
    error = math.sqrt(variance)
    return Pair(*pair, difference, error, freedom, _p_value(difference, error, freedom), noise)


def _p_value(difference: float, error: float, freedom: float) -> float:
    from scipy.special import stdtr

    if not error:  # of rows that answer alike on every image
        return 0.0 if difference else 1.0
    return float(2 * stdtr(freedom, -abs(difference) / error))
