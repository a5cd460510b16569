"""vistok as a library: scores anybody's answers and compares them, as `vistok score` and `vistok compare` do.

import vistok

found = vistok.score("counting", "coco_oc.json", "mine.jsonl", protocol="released")
print(found)                     # accuracy 54.27 [53.11, 55.43] of 10000 counting questions, released protocol
found.value, found.interval, found.metrics, found.values

vistok.score("counting", "coco_oc.json", {0: "two", 1: "three"}, only_answered=True)
vistok.compare("counting", "coco_oc.json", "mine.jsonl", "theirs.jsonl").p_value
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from vistok.evaluation.kind import QuestionId
from vistok.evaluation.score.captions import ALL_BUT_SPICE
from vistok.evaluation.score.compare import Comparison, compare_answers_to
from vistok.evaluation.score.files import Score, score_answers_to
from vistok.evaluation.score.predictions import Predictions

__all__ = ["Comparison", "Score", "compare", "score"]

Answers: TypeAlias = str | os.PathLike[str] | Mapping[QuestionId, Any]


def score(
    kind: str,
    references: str | os.PathLike[str],
    predictions: Answers,
    *,
    protocol: str | None = None,
    allow_missing: bool = False,
    only_answered: bool = False,
    caption_metrics: Sequence[str] = ALL_BUT_SPICE,
) -> Score:
    """Scores answers under a protocol, with the value of every question.

    Args:
        kind: `vqa`, `counting`, `identification`, `choice` or `caption`, or another of docs/scorers.md; `geneval` too.
        references: the official file: VQAv2 annotations, GVTBench JSON, a POPE file, SEED-Bench JSON, COCO captions,
            GenEval prompts.
        predictions: a file of answers in any of the shapes that docs/scorers.md lists, or answers by the question's
            id: `question_id`, `image_id` for captions, 0-based position for counting and identification.
        protocol: one of the kind's, see docs/scorers.md; None means the first, which is the one to believe.
        allow_missing: score questions without an answer as wrong.
        only_answered: leave questions without an answer out.
        caption_metrics: of CIDEr, BLEU, METEOR, ROUGE-L and SPICE; needs `vistok[captions]`, as captions do.

    Raises:
        vistok.VistokError: a file is not as it should be, an answer is missing, or the kind or protocol is unknown.
    """
    return score_answers_to(
        kind,
        references=Path(references),
        predictions=_predictions(predictions),
        protocol=protocol,
        allow_missing=allow_missing,
        only_answered=only_answered,
        caption_metrics=caption_metrics,
    )


def compare(
    kind: str,
    references: str | os.PathLike[str],
    predictions: Answers,
    against: Answers,
    *,
    protocol: str | None = None,
    only_answered: bool = False,
) -> Comparison:
    """Returns how much better some answers are than others to the same questions, image by image.

    Args:
        kind: see `score`, but `geneval`, whose images are not compared.
        references: see `score`, as for all others.
        predictions: a file of answers, or answers by the question's id.
        against: the other ones.
        protocol: one of the kind's.
        only_answered: leave out the questions that one of them does not answer.

    Raises:
        vistok.VistokError: see `score`; or the questions are about fewer than ten images.
    """
    return compare_answers_to(
        kind,
        references=Path(references),
        predictions=_predictions(predictions),
        against=_predictions(against),
        protocol=protocol,
        only_answered=only_answered,
    )


def _predictions(answers: Answers) -> Predictions:
    return answers if isinstance(answers, Mapping) else Path(answers)
