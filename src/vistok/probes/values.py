"""What a probe measured: estimates with their standard errors, as frozen values that need no torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Float, Int64

BLOCKS: Final = 50  # of images, each left out once for a standard error: chosen, errors are flat from 20 on


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its jackknife over blocks of images.

    Attributes:
        value: over all images.
        without: the same with one block of images left out, block by block; two estimates on the same images have
            the same blocks, so that the error of their difference is that of pairs.
    """

    value: float
    without: tuple[float, ...]

    @property
    def error(self) -> float:
        """The standard error (Efron and Tibshirani 1993, chapter 11, a block at a time)."""
        left = np.array(self.without)
        return float(np.sqrt((len(left) - 1) * np.mean((left - left.mean()) ** 2)))

    def __sub__(self, other: "Estimate") -> "Estimate":
        """Returns the difference of two estimates on the same images."""
        pairs = zip(self.without, other.without, strict=True)
        return Estimate(self.value - other.value, tuple(mine - theirs for mine, theirs in pairs))

    def plain(self, digits: int = 3) -> dict[str, float]:
        """Returns value and error as JSON-like values, rounded."""
        return {"value": round(self.value, digits), "error": round(self.error, digits)}


def jackknifed(statistic: Callable[[np.ndarray], float], blocks: Int64[np.ndarray, " rows"]) -> Estimate:
    """Returns a statistic with its jackknife.

    Args:
        statistic: of the rows that a mask keeps.
        blocks: the block of each row.
    """
    masks = (blocks != block for block in np.unique(blocks))
    return Estimate(statistic(np.ones(len(blocks), dtype=bool)), tuple(map(statistic, masks)))


def block_of(images: Int64[np.ndarray, " rows"], seed: int = 0) -> Int64[np.ndarray, " rows"]:
    """Returns the block of each row: its image's, so that no image is in two of them."""
    unique, inverse = np.unique(images, return_inverse=True)
    blocks = np.arange(len(unique)) % min(BLOCKS, len(unique))
    return np.asarray(np.random.default_rng(seed).permutation(blocks)[inverse], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class CellProbe:
    """What the tokens of annotated boxes tell. Accuracies and shares in per cent.

    Attributes:
        linear: how often a ridge classifier names a box's category.
        mlp: the same of a perceptron with one hidden layer; None where it was not trained.
        shares: the share of the tokens' variance that is each attribute: category and place, and what else is known.
        rank: in how many directions tokens vary.
        boxes, images: how many there are of them.
        chance: how often the most frequent category is right.
    """

    linear: Estimate
    mlp: Estimate | None
    shares: Mapping[str, Estimate]
    rank: float
    boxes: int
    images: int
    chance: float

    def plain(self) -> dict[str, Any]:
        """Returns it as JSON-like values, as a checkpoint's config.json keeps it."""
        return {
            "linear": self.linear.plain(),
            "mlp": self.mlp.plain() if self.mlp else None,
            "shares": {name: share.plain() for name, share in self.shares.items()},
            "rank": round(self.rank, 2),
            "boxes": self.boxes,
            "images": self.images,
            "chance": round(self.chance, 3),
        }


def share_of_variance(
    tokens: Float[np.ndarray, "rows width"],
    groups: Int64[np.ndarray, " rows"],
    blocks: Int64[np.ndarray, " rows"],
) -> Estimate:
    """Returns the share of the tokens' variance that lies between groups, in per cent.

    The sum of squares between groups, less what as many random groups would have, over the total (epsilon squared,
    Kelley 1935): it is 0 in the mean where the groups say nothing, and may come out a little below.
    """
    _, block = np.unique(blocks, return_inverse=True)
    _, group = np.unique(groups, return_inverse=True)
    # By block: how many rows of each group, their sums, and all squares; sums over blocks give any subset's share.
    counts = np.zeros((block.max() + 1, group.max() + 1))
    np.add.at(counts, (block, group), 1)
    sums = np.zeros((*counts.shape, tokens.shape[1]))
    np.add.at(sums, (block, group), tokens)
    squares = np.bincount(block, weights=np.square(tokens).sum(axis=1))
    totals = counts.sum(0), sums.sum(0), squares.sum()
    rests = (
        (totals[0] - count, totals[1] - total, totals[2] - square)
        for count, total, square in zip(counts, sums, squares, strict=True)
    )
    return Estimate(_share(*totals), tuple(_share(*rest) for rest in rests))


def _share(counts: np.ndarray, sums: np.ndarray, squares: float) -> float:
    present = counts > 0
    rows, groups = counts.sum(), int(present.sum())
    middle = np.square(sums.sum(axis=0)).sum() / rows
    between = (np.square(sums[present]).sum(axis=1) / counts[present]).sum() - middle
    total = squares - middle
    if total <= 0 or rows <= groups:
        return 0.0
    expected = (groups - 1) * (total - between) / (rows - groups)
    return float(100 * (between - expected) / total)


def effective_rank(tokens: Float[np.ndarray, "rows width"]) -> float:
    """Returns in how many directions tokens vary: (sum of variances)^2 over the sum of their squares.

    It is the width where all principal variances are equal, and 1 where tokens lie on a line (the participation ratio).
    """
    variances = np.linalg.eigvalsh(np.cov(tokens, rowvar=False))
    squares = float(np.square(variances).sum())
    return float(variances.sum() ** 2 / squares) if squares > 0 else 0.0
