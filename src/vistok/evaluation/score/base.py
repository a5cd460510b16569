"""What every scorer returns, and what scorers share."""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vistok.errors import VistokError, unknown

Values: TypeAlias = NDArray[np.float64]
# What the protocols that several kinds have mean, as the end of a sentence.
OFFICIAL: Final = "the scorer of the data set's own authors"
RELEASED: Final = "the scorer that the paper's authors released, to set beside a published number"
CORRECTED: Final = "the released scorer with its slips corrected"

# None stands for an answer that was not given, which every scorer counts as wrong.
Answers: TypeAlias = Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Ranked:
    """The summed loss of each option of a question, and the number of its tokens."""

    losses: tuple[float, ...]
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """The scores of the answers to a set of questions.

    Attributes:
        metric: name of the metric that the paper's tables print; the mean of `values`.
        metrics: name -> value; shares, CIDEr and BLEU in per cent, errors of counts in objects.
        values: (n,) the table metric of each question, in per cent, in the order of the references.
        groups: (n) the image of each question; questions of one image are not independent.
        by_type: type of question -> its metrics and `n`, the number of its questions.
        types: (n) the type of each question, where each type is worth a cell of its own; else empty.
    """

    metric: str
    metrics: dict[str, float]
    values: Values
    groups: tuple[Hashable, ...]
    by_type: dict[str, dict[str, float]]
    types: tuple[str, ...] = ()


def check(
    kind: str, protocol: str, legal: Collection[str], references: Sequence[Any], answers: Sequence[Any]
) -> None:
    """Refuses an unknown protocol, no questions, or answers that do not match the questions.

    Raises:
        VistokError: see above.
    """
    if protocol not in legal:
        raise unknown(f"{kind} protocol", protocol, legal)
    if not references:
        raise VistokError(f"there is nothing to score: 0 {kind} questions. Give references with some.")
    if len(references) != len(answers):
        raise VistokError(
            f"{len(references)} {kind} references and {len(answers)} answers do not pair up. "
            "Give one answer a reference, in the same order; None where there is none."
        )


def share(hits: Sequence[bool] | NDArray[np.bool_], of: int | None = None) -> float:
    """Returns the per cent of true values, among `of` where given; 0 where there is nothing to share out."""
    total = len(hits) if of is None else of
    return 100.0 * float(np.count_nonzero(hits)) / total if total else 0.0


def split(values: Values, types: Sequence[str], metric: str = "accuracy") -> dict[str, dict[str, float]]:
    """Returns the mean of `values` and the number of questions for each type, in alphabetical order.

    Questions without a type, as in excerpts that omit it, are not counted.
    """
    labels = np.asarray(types)
    by_type = {}
    for name in sorted(set(types) - {""}):
        of_type = values[labels == name]
        by_type[name] = {metric: float(of_type.mean()), "n": float(len(of_type))}
    return by_type
