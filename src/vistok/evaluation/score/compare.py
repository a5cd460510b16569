"""Compares two models' answers to the same questions, image by image, without a model or torch."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vistok.errors import VistokError
from vistok.evaluation.score.files import Score, read_files, score_of
from vistok.evaluation.score.predictions import Predictions
from vistok.evaluation.score.scoring import DECIMALS, protocol_of
from vistok.evaluation.statistics import LEAST_GROUPS, paired_test
from vistok.progress import stage

_NO_WIDTH = 1e-9  # of an interval in points, but for rounding


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much better one model's answers are than another's, in points of the table's metric.

    Both answer the same questions, so a pair shows more than two intervals do. It does not cover what another training
    of either would give.

    Attributes:
        task: the id of a task kind.
        protocol: under which both are scored.
        metric: of the table.
        n: the number of questions.
        images: the number of images that they are about.
        predictions: the value of the first.
        against: the value of the second.
        difference: the first less the second.
        interval: of the difference, 95 % by bootstrap over images; None where all images differ alike.
        p_value: two-sided, of no difference, by sign flips of images.
    """

    task: str
    protocol: str
    metric: str
    n: int
    images: int
    predictions: float
    against: float
    difference: float
    interval: tuple[float, float] | None
    p_value: float

    def __str__(self) -> str:
        interval = "[{:+.2f}, {:+.2f}]".format(*self.interval) if self.interval else "(all images alike)"
        return (
            f"{self.metric} {self.predictions:.2f} against {self.against:.2f}: {self.difference:+.2f} {interval}, "
            f"p = {self.p_value:.4f}, {self.n} {self.task} questions about {self.images} images, {self.protocol} "
            "protocol"
        )


def compare_answers_to(
    kind: str,
    *,
    references: Path,
    predictions: Predictions,
    against: Predictions,
    protocol: str | None = None,
    only_answered: bool = False,
) -> Comparison:
    """Returns how much better some answers are than others to the same questions.

    Args:
        kind: the id of a task kind.
        references: the official file, see `load_references`.
        predictions: a file of answers, or answers by id, see `read_predictions`.
        against: the other ones.
        protocol: one of the kind's; None means the first.
        only_answered: leave out the questions that one of them does not answer.

    Raises:
        VistokError: a file is not as it should be, the kind or the protocol is unknown, or the questions are about
            fewer than ten images.
    """
    chosen = protocol_of(kind, protocol)
    sides = [
        read_files(kind, references=references, predictions=path, only_answered=only_answered)
        for path in (predictions, against)
    ]
    questions = sides[0][0]
    if only_answered:
        both = set(questions.ids) & set(sides[1][0].ids)
        if not both:
            raise VistokError(
                f"{_named(predictions)} and {_named(against)} answer no question in common: nothing to compare."
            )
        questions = questions.of_questions(both)
    first, second = (score_of(questions, answers, chosen) for _, answers in sides)
    return compare_scores(first, second)


def compare_scores(first: Score, second: Score) -> Comparison:
    """Returns how much better the first of two scores of the same questions is than the second.

    Raises:
        VistokError: the questions differ, or are about fewer than ten images.
    """
    if first.ids != second.ids:
        raise VistokError("two scores are of different questions: nothing to compare.")
    if (images := len(set(first.images))) < LEAST_GROUPS:
        raise VistokError(
            f"both answer questions about {images} images, too few for a test: {LEAST_GROUPS} are needed."
        )
    with stage(f"testing {first.n} differences"):
        test = paired_test(first.values, second.values, first.images)
    low, high = (round(end, DECIMALS) for end in test.interval)
    return Comparison(
        task=str(first.report["task"]),
        protocol=first.protocol,
        metric=first.metric,
        n=first.n,
        images=images,
        predictions=round(float(first.values.mean()), DECIMALS),
        against=round(float(second.values.mean()), DECIMALS),
        difference=round(test.difference, DECIMALS),
        interval=(low, high) if test.interval[1] - test.interval[0] > _NO_WIDTH else None,
        p_value=round(test.p_value, DECIMALS),
    )


def compare_files(
    kind: str,
    *,
    references: Path,
    predictions: Path,
    against: Path,
    protocol: str | None = None,
    only_answered: bool = False,
) -> dict[str, Any]:
    """Returns a comparison as a JSON object, see `compare_answers_to` and `Comparison`.

    Raises:
        VistokError: see there.
    """
    comparison = compare_answers_to(
        kind,
        references=references,
        predictions=predictions,
        against=against,
        protocol=protocol,
        only_answered=only_answered,
    )
    return as_json(comparison)


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Returns the JSON object of a comparison."""
    return asdict(comparison) | {"interval": comparison.interval and [*comparison.interval]}


def _named(source: Predictions) -> str:
    return str(source) if isinstance(source, Path) else "the answers given"
