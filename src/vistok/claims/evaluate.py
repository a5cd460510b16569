"""Tests claims on cells: each comparison becomes differences with simultaneous intervals, then a verdict."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import NormalDist
from typing import Literal

from vistok.claims.measured import Cell, Measured
from vistok.claims.values import Claim, Comparison

Verdict = Literal["holds", "contradicted", "within noise", "not measured"]
Noise = Literal["questions", "questions and trainings", "questions, in part trainings"]
Cells = Mapping[Cell, Measured | None]
_ERROR_RATE = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """Left less right, in points, with an interval that covers all differences of its claim at 95 %.

    `towards` tells whether the value itself, chance left aside, is as the claim says; `noise` what would be otherwise
    in a repetition that the interval holds: other questions, or other trainings too.
    """

    label: str
    value: float
    low: float
    high: float
    verdict: Verdict
    towards: bool
    noise: Noise = "questions"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a claim comes to on one set of cells.

    Attributes:
        differences: those that are measured.
        not_measured: how many differences lack a cell.
    """

    claim: Claim
    verdict: Verdict
    differences: tuple[Difference, ...]
    not_measured: int

    @property
    def noise(self) -> Noise:
        """What the intervals of all differences hold."""
        kinds = {difference.noise for difference in self.differences} or {"questions"}
        return kinds.pop() if len(kinds) == 1 else "questions, in part trainings"

    def count(self, verdict: Verdict) -> int:
        return sum(difference.verdict == verdict for difference in self.differences)


@dataclass(frozen=True, slots=True)
class _Contrast:
    """A weighted sum of cells that the claim says is above 0 (or above, or within, a margin)."""

    label: str
    weights: Mapping[Cell, float]
    comparison: Comparison


def evaluate_claims(claims: Sequence[Claim], cells: Cells) -> tuple[Outcome, ...]:
    """Returns the outcome of each claim on `cells`, (table, row id, column) -> measured.

    The verdict is `contradicted` where one difference is significantly against the claim, `not measured` where
    none is and a cell is missing, `holds` where all are significantly for it, `within noise` otherwise. Intervals
    are Bonferroni-corrected for the number of differences of the claim. Cells count as independent, although
    runs answer the same questions, which makes intervals too wide rather than too narrow. The variance between
    trainings is left out where it is unknown (`Measured.training_error`).
    """
    return tuple(_outcome(claim, cells) for claim in claims)


def _outcome(claim: Claim, cells: Cells) -> Outcome:
    contrasts = [contrast for comparison in claim.comparisons for contrast in _contrasts(comparison)]
    measured = [contrast for contrast in contrasts if all(cells.get(cell) for cell in contrast.weights)]
    tail = _ERROR_RATE / 2 / max(len(measured), 1)
    differences = tuple(_difference(contrast, cells, tail) for contrast in measured)
    missing = len(contrasts) - len(measured)
    return Outcome(claim, _verdict(differences, missing), differences, missing)


def _verdict(differences: Sequence[Difference], missing: int) -> Verdict:
    verdicts = {difference.verdict for difference in differences}
    if "contradicted" in verdicts:
        return "contradicted"
    if missing or not verdicts:
        return "not measured"
    return "holds" if verdicts == {"holds"} else "within noise"


def _contrasts(comparison: Comparison) -> list[_Contrast]:
    grouped = (
        [comparison.columns] if comparison.columns_as == "mean" else [(name,) for name in comparison.columns]
    )
    return [
        _Contrast(
            f"Table {comparison.table}, {_columns_label(columns)}: {label}",
            {
                (comparison.table, row, column): weight / len(columns)
                for column in columns
                for row, weight in weights.items()
            },
            comparison,
        )
        for columns in grouped
        for label, weights in _row_weights(comparison)
    ]


def _columns_label(columns: tuple[str, ...]) -> str:
    return columns[0] if len(columns) == 1 else f"mean of {len(columns)} columns"


def _row_weights(comparison: Comparison) -> list[tuple[str, dict[str, float]]]:
    if comparison.rows == "mean":
        return [_mean_weights(comparison)]
    if comparison.rows == "paired":
        pairs = list(zip(comparison.left, comparison.right, strict=True))
    else:
        pairs = list(product(comparison.left, comparison.right))
    return [(f"{left} over {right}", {left: 1.0, right: -1.0}) for left, right in pairs]


def _mean_weights(comparison: Comparison) -> tuple[str, dict[str, float]]:
    sides = (
        (comparison.left, 1),
        (comparison.left_minus, -1),
        (comparison.right, -1),
        (comparison.right_minus, 1),
    )
    weights: dict[str, float] = {}
    for rows, sign in sides:
        for row in rows:
            weights[row] = weights.get(row, 0.0) + sign / len(rows)
    left, right = (
        _group(rows) + (f" (less {_group(minus)})" if minus else "")
        for rows, minus in (
            (comparison.left, comparison.left_minus),
            (comparison.right, comparison.right_minus),
        )
    )
    return f"{left} over {right}", weights


def _group(rows: tuple[str, ...]) -> str:
    return rows[0] if len(rows) == 1 else f"mean of {', '.join(rows)}"


def _difference(contrast: _Contrast, cells: Cells, tail: float) -> Difference:
    measured = [(key, weight, cell) for key, weight in contrast.weights.items() if (cell := cells.get(key))]
    value = sum(weight * cell.value for _, weight, cell in measured)
    reach = _reach(measured, tail)
    low, high = value - reach, value + reach
    verdict = _judge(contrast.comparison, low, high)
    towards = _judge(contrast.comparison, value, value) == "holds"
    return Difference(contrast.label, value, low, high, verdict, towards, _noise(measured))


def _noise(measured: Sequence[tuple[Cell, float, Measured]]) -> Noise:
    repeated = [cell.training_freedom > 0 for _, _, cell in measured]
    if all(repeated):
        return "questions and trainings"
    return "questions, in part trainings" if any(repeated) else "questions"


def _reach(measured: Sequence[tuple[Cell, float, Measured]], tail: float) -> float:
    """Returns the half width of an interval that leaves `tail` on either side.

    The noise of questions counts as known. That of training is estimated from a few seeds of each row, or of the
    column's other rows together, so that the quantile is Student's, its degrees of freedom by Welch and Satterthwaite.
    """
    questions = sum((weight * cell.question_error) ** 2 for _, weight, cell in measured)
    training: dict[tuple[str, str], float] = {}
    freedom: dict[tuple[str, str], int] = {}
    for (_, row, column), weight, cell in measured:
        estimate = ("" if cell.training_pooled else row, column)  # one for all rows that it is pooled for
        training[estimate] = training.get(estimate, 0.0) + (weight * cell.training_error) ** 2
        freedom[estimate] = cell.training_freedom
    total = questions + sum(training.values())
    estimated = sum(variance**2 / freedom[estimate] for estimate, variance in training.items() if variance)
    quantile = NormalDist().inv_cdf(1 - tail)
    if estimated:
        from scipy.special import stdtrit

        quantile = float(stdtrit(total**2 / estimated, 1 - tail))
    return quantile * math.sqrt(total)


def _judge(comparison: Comparison, low: float, high: float) -> Verdict:
    margin = comparison.margin
    if comparison.relation == "comparable":
        holds, contradicted = -margin < low and high < margin, low > margin or high < -margin
    else:
        holds, contradicted = low > -margin, high < -margin
    return "holds" if holds else "contradicted" if contradicted else "within noise"
