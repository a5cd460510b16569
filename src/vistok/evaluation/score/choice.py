"""Scores four-way multiple-choice answers as SEED-Bench does (arXiv 2307.16125).

SEED-Bench ranks the option texts by the likelihood that the model gives them: an answer is then the four
losses, the lowest chosen. A generated answer is read for its letter instead. `official` and `released` share every
verdict and differ in the names of dimensions 3 and 4: the file that was current when the paper was written
named them the wrong way round (`released`), and was corrected later (`official`). Both compare the summed loss of
an option's tokens, as SEED-Bench does, which favours short options; `mean` compares the mean loss of a token.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from vistok.datasets.seedbench import DIMENSIONS, LETTERS, ChoiceQuestion
from vistok.errors import VistokError
from vistok.evaluation.score.base import OFFICIAL, Ranked, Scored, Values, check, split
from vistok.evaluation.score.letters import read_letter

PROTOCOLS: Final = {
    "official": OFFICIAL,
    "released": "the same verdicts under the names of dimensions that were current when the paper was written, which "
    "has 3 and 4 the wrong way round",
    "mean": "options ranked by the mean loss of a token, not by the sum of all, which favours short ones",
}
_IMAGE_DIMENSIONS = range(1, 10)
# Table 7 of the paper leaves Text Understanding out and averages the others without weights.
_TABLE_DIMENSIONS = range(1, 9)

ChoiceAnswer: TypeAlias = str | Sequence[float] | Ranked | None


def choose(answer: ChoiceAnswer, options: Sequence[str], *, per_token: bool = False) -> str | None:
    """Returns the letter of a generated answer, or of the lowest of four losses (the first among equals).

    Args:
        per_token: compare the mean loss of an option's tokens in place of their sum.

    Raises:
        VistokError: the mean is asked for of losses alone.
    """
    if answer is None or isinstance(answer, str):
        return None if answer is None else read_letter(answer, options)
    losses = np.asarray(answer.losses if isinstance(answer, Ranked) else answer, dtype=np.float64)
    if per_token:
        if not isinstance(answer, Ranked):
            raise VistokError(
                "the choice protocol 'mean' needs the number of each option's tokens, and there are losses alone. Give "
                "each record \"tokens\" beside them, such as [4, 6, 5, 4], or score it under the protocol 'official'."
            )
        losses = losses / np.asarray(answer.tokens)
    return LETTERS[int(np.argmin(losses))]


def score_choice(
    references: Sequence[ChoiceQuestion], answers: Sequence[ChoiceAnswer], protocol: str = "official"
) -> Scored:
    """Returns the accuracy over all questions and averages over dimensions, in per cent.

    `accuracy` weights questions equally, as SEED-Bench's own tool; `accuracy_image` does so over dimensions
    1-9, as the leaderboard's image column; `mean_of_dimensions` weights the dimensions equally, and
    `mean_of_dimensions_1_to_8` is the average that Table 7 of the paper prints.

    Raises:
        VistokError: the protocol is unknown, references and answers do not pair up, or see `choose`.
    """
    check("choice", protocol, PROTOCOLS, references, answers)
    letters = [
        choose(answer, reference.options, per_token=protocol == "mean")
        for reference, answer in zip(references, answers, strict=True)
    ]
    values = np.array(
        [100.0 * (letter == ref.answer) for letter, ref in zip(letters, references, strict=True)]
    )
    dimensions = np.array([reference.dimension for reference in references])
    names = tuple(dimension_name(number, protocol) for number in dimensions)
    metrics = _averages(values, dimensions)
    metrics["unparsed"] = 100.0 * letters.count(None) / len(letters)
    return Scored(
        "accuracy",
        metrics,
        values,
        tuple(reference.image_id for reference in references),
        split(values, names),
        names,
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
