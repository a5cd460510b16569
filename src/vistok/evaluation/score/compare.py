"""Compares two models' answers to the same questions, image by image; `vistok compare` without a model or torch."""

from pathlib import Path
from typing import Any

from vistok.errors import VistokError
from vistok.evaluation.score.files import read_files
from vistok.evaluation.score.scoring import protocol_of, score_questions
from vistok.evaluation.statistics import LEAST_GROUPS, paired_test

_NO_WIDTH = 1e-9  # of an interval in points, but for rounding


def compare_files(
    kind: str,
    *,
    references: Path,
    predictions: Path,
    against: Path,
    protocol: str | None = None,
    only_answered: bool = False,
) -> dict[str, Any]:
    """Returns how much better one file of predictions is than another, in points of the table's metric.

    It holds `task`, `protocol`, `metric`, `n`, `images`, the two values, `difference`, its 95 % `interval` by
    bootstrap over images (None where all images differ alike) and the two-sided `p_value` of no difference by sign
    flips of images. Both models answer the same questions, so a pair tells more than two intervals do. Neither holds
    what another training would give.

    Args:
        kind: the id of a task kind.
        references: the official file, see `load_references`.
        predictions: a file of answers, see `read_predictions`.
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
                f"{predictions} and {against} answer no question in common: there is nothing to compare."
            )
        questions = questions.of_questions(both)
    if (images := len(set(questions.images))) < LEAST_GROUPS:
        raise VistokError(
            f"both answer questions about {images} images, too few for a test: {LEAST_GROUPS} are needed."
        )
    first, second = (score_questions(questions, answers, chosen) for _, answers in sides)
    test = paired_test(first.values, second.values, first.groups)
    low, high = test.interval
    return {
        "task": kind,
        "protocol": chosen,
        "metric": first.metric,
        "n": len(questions.ids),
        "images": images,
        "predictions": round(float(first.values.mean()), 6),
        "against": round(float(second.values.mean()), 6),
        "difference": round(test.difference, 6),
        "interval": [round(low, 6), round(high, 6)] if high - low > _NO_WIDTH else None,
        "p_value": round(test.p_value, 6),
    }
