"""Which questions two protocols score differently, for the same answers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from vistok.evaluation.kinds import task_kind
from vistok.evaluation.score.files import Score, read_files, score_of
from vistok.evaluation.score.predictions import Predictions
from vistok.evaluation.score.scoring import DECIMALS, protocol_of

# Values in per cent that differ by less differ by rounding.
_SAME: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Flip:
    """One question whose value the two protocols do not agree on.

    Attributes:
        id: of the question.
        image: that it is about.
        question: its text; None where the official file has none, as VQAv2's annotations.
        truth: the right answer; several where people gave several, the most frequent first.
        answer: the model's.
        first: the value under the first protocol, in per cent.
        second: the value under the second.
    """

    id: int | str
    image: int | str
    question: str | None
    truth: tuple[str, ...]
    answer: Any
    first: float
    second: float


@dataclass(frozen=True, slots=True)
class Flips:
    """The scores of the same answers under two protocols, and the questions between them."""

    first: Score
    second: Score
    flips: tuple[Flip, ...]

    @property
    def gained(self) -> int:
        """How many questions have a higher value under the second protocol."""
        return sum(flip.second > flip.first for flip in self.flips)

    def __str__(self) -> str:
        first, second, lost = self.first, self.second, len(self.flips) - self.gained
        return (
            f"{first.metric} {first.value:.2f} under {first.protocol}, {second.value:.2f} under {second.protocol}: "
            f"{len(self.flips)} of {first.n} {first.report['task']} questions differ, {self.gained} higher and {lost} "
            f"lower under {second.protocol}"
        )


def flips_between(
    kind: str,
    *,
    references: Path,
    predictions: Predictions,
    protocols: tuple[str, str],
    only_answered: bool = False,
) -> Flips:
    """Returns the questions that two protocols score differently.

    Args:
        kind: the id of a task kind.
        references: the official file, see `load_references`.
        predictions: a file of answers, or answers by id, see `read_predictions`.
        protocols: two of the kind's.
        only_answered: leave questions without an answer out.

    Raises:
        VistokError: either file or a protocol is not as it should be.
    """
    first, second = (protocol_of(kind, name) for name in protocols)
    questions, answers = read_files(
        kind, references=references, predictions=predictions, only_answered=only_answered
    )
    before, after = score_of(questions, answers, first), score_of(questions, answers, second)
    differ = np.flatnonzero(np.abs(after.values - before.values) > _SAME).tolist()
    scorer, identities = task_kind(kind), questions.identities
    flips = tuple(
        Flip(
            id=before.ids[index],
            image=before.images[index],
            question=identities.questions[index],
            truth=scorer.truth(questions.records[index]),
            answer=answers[str(before.ids[index])],
            first=round(float(before.values[index]), DECIMALS),
            second=round(float(after.values[index]), DECIMALS),
        )
        for index in differ
    )
    return Flips(before, after, flips)
