"""Measures how often `vistok pairs` tells equal rows apart, and how many pairs of rows that differ.

.venv/bin/python benchmarks/pairs.py             # about a minute

Answers are simulated: images, rows, seeds, trainings and chance move the odds of being right. A family of six rows has
fifteen pairs; at 5 % one of them may be told apart wrongly in at most one family of twenty.
"""

from collections.abc import Sequence

import numpy as np

from vistok.evaluation.pairs import ByImage, compare_rows, told_apart

FAMILIES, IMAGES = 1000, 300
POINTS = 22  # a standard deviation of 1 in log odds, in points of accuracy, near one half
# The spread of each row's trainings, what a seed does to all rows alike, and how many trainings each row has.
EQUAL = {
    "one training each, no spread": ([0.0] * 6, 0.0, [1] * 6),
    "three trainings, no spread": ([0.0] * 6, 0.0, [3] * 6),
    "three trainings, spread 2.2 points": ([0.1] * 6, 0.0, [3] * 6),
    "three trainings, spread 6.6 points": ([0.3] * 6, 0.0, [3] * 6),
    "three trainings, spread 2.2 points, of seeds 3.3": ([0.1] * 6, 0.15, [3] * 6),
    "three trainings, no spread, of seeds 6.6 points": ([0.0] * 6, 0.3, [3] * 6),
    "three trainings, two rows 6.6 points, four 0": ([0.3, 0.3, 0.0, 0.0, 0.0, 0.0], 0.0, [3] * 6),
    "three trainings, one row 6.6 points, five 0": ([0.3, 0.0, 0.0, 0.0, 0.0, 0.0], 0.0, [3] * 6),
    "one row of three trainings, five of one, spread 2.2": ([0.1] * 6, 0.0, [3, 1, 1, 1, 1, 1]),
}
APART = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)


def simulated(
    generator: np.random.Generator,
    means: Sequence[float],
    spreads: Sequence[float],
    of_seeds: float,
    trainings: Sequence[int],
) -> dict[str, ByImage]:
    """Returns six rows of answers to one to three questions an image; training k of each row has seed k."""
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


def told(rows: dict[str, ByImage]) -> int:
    return sum(told_apart([pair.p_value for pair in compare_rows(rows)]))


def main() -> int:
    failed = False
    for what, (spreads, of_seeds, trainings) in EQUAL.items():
        generator = np.random.default_rng(0)
        families = [simulated(generator, [0.0] * 6, spreads, of_seeds, trainings) for _ in range(FAMILIES)]
        wrong = sum(told(family) > 0 for family in families)
        failed |= wrong > 0.065 * FAMILIES
        print(f"equal rows, {what}: {wrong / FAMILIES:.1%} of families")
    for spread, of_seeds in ((0.0, 0.0), (0.1, 0.0), (0.15, 0.0), (0.1, 0.15)):
        generator = np.random.default_rng(1)
        found = [
            told(simulated(generator, APART, [spread] * 6, of_seeds, [3] * 6)) for _ in range(FAMILIES // 5)
        ]
        print(
            f"rows 4 to 5 points apart, spread {spread * POINTS:.1f} points, of seeds {of_seeds * POINTS:.1f}: "
            f"{np.mean(found):.1f} of 15 pairs"
        )
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
