"""Scores four-way multiple-choice answers as SEED-Bench does (arXiv 2307.16125).

SEED-Bench ranks the option texts by the likelihood that the model gives them: an answer is then the four
losses, the lowest chosen. A generated answer is read for its letter instead. The protocols share every
verdict and differ in the names of dimensions 3 and 4: the file that was current when the paper was written
named them the wrong way round (`released`), and was mended later (`official`).
"""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from vistok.datasets.seedbench import DIMENSIONS, LETTERS, ChoiceQuestion
from vistok.evaluation.score.base import OFFICIAL, Scored, Values, check, split
from vistok.evaluation.score.letters import read_letter

PROTOCOLS: Final = {
    "official": OFFICIAL,
    "released": "the same verdicts under the names of dimensions that were current when the paper was written, which "
    "has 3 and 4 the wrong way round",
}
_IMAGE_DIMENSIONS = range(1, 10)
# Table 7 of the paper leaves Text Understanding out and averages the others without weights.
_TABLE_DIMENSIONS = range(1, 9)

ChoiceAnswer: TypeAlias = str | Sequence[float] | None


def choose(answer: ChoiceAnswer, options: Sequence[str]) -> str | None:
    """Returns the letter of a generated answer, or of the lowest of four losses (the first among equals)."""
    if answer is None or isinstance(answer, str):
        return None if answer is None else read_letter(answer, options)
    return LETTERS[int(np.argmin(np.asarray(answer, dtype=np.float64)))]


def score_choice(
    references: Sequence[ChoiceQuestion], answers: Sequence[ChoiceAnswer], protocol: str = "official"
) -> Scored:
    """Returns the accuracy over all questions and averages over dimensions, in per cent.

    `accuracy` weights questions equally, as SEED-Bench's own tool; `accuracy_image` does so over dimensions
    1-9, as the leaderboard's image column; `mean_of_dimensions` weights the dimensions equally, and
    `mean_of_dimensions_1_to_8` is the average that Table 7 of the paper prints.

    Raises:
        VistokError: the protocol is unknown, or references and answers do not pair up.
    """
    check("choice", protocol, PROTOCOLS, references, answers)
    letters = [
        choose(answer, reference.options) for reference, answer in zip(references, answers, strict=True)
    ]
    values = np.array(
        [100.0 * (letter == ref.answer) for letter, ref in zip(letters, references, strict=True)]
    )
    dimensions = np.array([reference.dimension for reference in references])
    metrics = _averages(values, dimensions)
    metrics["unparsed"] = 100.0 * letters.count(None) / len(letters)
    return Scored(
        "accuracy",
        metrics,
        values,
        tuple(reference.image_id for reference in references),
        split(values, [dimension_name(number, protocol) for number in dimensions]),
    )


def dimension_name(number: int, protocol: str) -> str:
    """Returns the name of dimension 1-12; `released` has those of 3 and 4 the wrong way round."""
    swapped = {3: 4, 4: 3} if protocol == "released" else {}
    return DIMENSIONS[swapped.get(number, number) - 1]


def _averages(values: Values, dimensions: np.ndarray[Any, Any]) -> dict[str, float]:
    means = {int(number): float(values[dimensions == number].mean()) for number in np.unique(dimensions)}
    metrics = {"accuracy": float(values.mean()), "mean_of_dimensions": _mean(means.values())}
    images = np.isin(dimensions, _IMAGE_DIMENSIONS)
    if images.any():
        metrics["accuracy_image"] = float(values[images].mean())
    if all(number in means for number in _TABLE_DIMENSIONS):
        metrics["mean_of_dimensions_1_to_8"] = _mean(means[number] for number in _TABLE_DIMENSIONS)
    return metrics


def _mean(values: Any) -> float:
    return float(np.mean(list(values)))
