"""Infers, from percentages alone, how many questions they may have been measured on."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Granularity:
    """What one column's percentages imply about its number of questions.

    Attributes:
        questions: the number that fits most surprisingly well.
        fitting: how many of the cells are k/questions for some whole k, when rounded.
        chance: the share of all printable percentages that are.
        p_value: of so good a fit for some number of those searched, by chance.
        smallest: the smallest number that fits all cells.
    """

    cells: int
    questions: int
    fitting: int
    chance: float
    p_value: float
    smallest: int | None


def reachable(questions: int, decimals: int) -> NDArray[np.int64]:
    """Returns the percentages that k/questions, rounded, can be printed as, in units of the last decimal.

    What lies half-way between two is counted as both.
    """
    unit = 100 * 10**decimals
    twice = 2 * unit * np.arange(questions + 1, dtype=np.int64)
    up, down = (twice + questions) // (2 * questions), -((questions - twice) // (2 * questions))
    return np.unique(np.concatenate([up, down]))


def is_reachable(value: Decimal, questions: int) -> bool:
    """Returns whether k/questions, in per cent and rounded, can be printed as `value`."""
    decimals = _decimals(value)
    return bool(np.isin(int(value.scaleb(decimals)), reachable(questions, decimals)))


@dataclass(frozen=True)
class Search:
    """The numbers of questions to try, with the one-decimal percentages that each can be printed as.

    Attributes:
        questions: (n,) the numbers.
        reached: (n, 1001) whether a percentage, in tenths, is among those of a number.
    """

    questions: NDArray[np.int64]
    reached: NDArray[np.bool_]

    @classmethod
    def over(cls, numbers: Sequence[int]) -> "Search":
        """Returns the search over these numbers, in their order."""
        reached = np.zeros((len(numbers), 1001), dtype=bool)
        for row, questions in enumerate(numbers):
            reached[row, reachable(questions, 1)] = True
        return cls(np.array(numbers), reached)


def column_granularity(values: Sequence[Decimal], search: Search) -> Granularity:
    """Returns the number of questions that fits a column's distinct cells most surprisingly well.

    The p-value of one number is the binomial probability that so many cells or more fit by chance; among
    equal ones the smallest number is taken.
    """
    from scipy.special import bdtrc

    tenths = [int(value.scaleb(1)) for value in values]
    fits, chances = search.reached[:, tenths].sum(axis=1), search.reached.mean(axis=1)
    p_values = np.where(fits > 0, bdtrc(fits - 1.0, len(values), np.minimum(chances, 1 - 1e-12)), 1.0)
    best = int(np.argmin(p_values))
    exact = search.questions[fits == len(values)]
    return Granularity(
        cells=len(values),
        questions=int(search.questions[best]),
        fitting=int(fits[best]),
        chance=float(chances[best]),
        p_value=min(1.0, float(p_values[best]) * len(search.questions)),
        smallest=int(exact[0]) if len(exact) else None,
    )


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0
