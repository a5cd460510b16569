"""The door to scoring: `vistok score` scores anybody's file of predictions, without a model or torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vistok.errors import VistokError
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.references import References, load_references
from vistok.evaluation.score import captions
from vistok.evaluation.score.predictions import read_predictions
from vistok.evaluation.score.scoring import DECIMALS, protocol_of, reported, score_questions
from vistok.files import check_destination, write_json, write_jsonl


def score_files(
    kind: str,
    *,
    references: Path,
    predictions: Path,
    protocol: str | None,
    out: Path,
    per_question: Path | None = None,
    allow_missing: bool = False,
    only_answered: bool = False,
    caption_metrics: Sequence[str] = captions.ALL_BUT_SPICE,
) -> dict[str, Any]:
    """Scores a file of predictions, writes metrics.json and returns what stands there.

    It holds `task`, `protocol`, `n`, `metrics`, `intervals` and `by_type`; `missing` too, where answers are, and
    `of`, where only a part of the questions is scored.

    Args:
        kind: the id of a task kind.
        references: the official file, see `load_references`.
        predictions: a file of answers, see `read_predictions`.
        protocol: one of the kind's; None means the first.
        out: where to write; it appears whole or not at all.
        per_question: where to write the table's metric of each question, one `{"id", "image", "value"}` a line; None:
            nowhere.
        allow_missing: score questions without an answer as wrong, and say so.
        only_answered: leave questions without an answer out, and say so.
        caption_metrics: which metrics to compute for captions.

    Raises:
        VistokError: either file or the protocol is not as it should be, or `out` cannot be written.
    """
    chosen = protocol_of(kind, protocol)
    check_destination(out, references, predictions)
    if per_question:
        check_destination(per_question, references, predictions, out)
    questions, answers = read_files(
        kind,
        references=references,
        predictions=predictions,
        allow_missing=allow_missing,
        only_answered=only_answered,
    )
    scored = score_questions(questions, answers, chosen, caption_metrics=caption_metrics)
    report = {"task": kind, "protocol": chosen, **reported(scored, questions, answers)}
    if per_question:
        values = zip(questions.ids, questions.images, scored.values.tolist(), strict=True)
        write_jsonl(
            per_question,
            [{"id": key, "image": image, "value": round(value, DECIMALS)} for key, image, value in values],
        )
    write_json(out, report)
    return report


def read_files(
    kind: str,
    *,
    references: Path,
    predictions: Path,
    allow_missing: bool = False,
    only_answered: bool = False,
) -> tuple[References, dict[str, Any]]:
    """Returns the questions to score and the answers to them, by the text of the question's id.

    Args:
        kind: the id of a task kind.
        references: the official file, see `load_references`.
        predictions: a file of answers, see `read_predictions`.
        allow_missing: questions may have no answer.
        only_answered: questions without an answer are left out.

    Raises:
        VistokError: either file is not as it should be, or the kind is unknown.
    """
    questions = load_references(kind, references)
    answers = read_predictions(
        predictions, questions.ids, allow_missing=allow_missing or only_answered, known=questions.known
    )
    _check_answers(kind, predictions, answers)
    return _answered(questions, answers, predictions) if only_answered else questions, answers


def _answered(questions: References, answers: Mapping[str, Any], predictions: Path) -> References:
    ids = [key for key in questions.ids if str(key) in answers]
    if not ids:
        raise VistokError(
            f"{predictions} answers none of the {len(questions.ids)} {questions.kind} questions, and only those with "
            "an answer are to be scored. Give it at least one."
        )
    return questions.of_questions(ids)


def _check_answers(kind: str, path: Path, answers: Mapping[str, Any]) -> None:
    scorer = task_kind(kind)
    if wrong := [key for key, answer in answers.items() if not scorer.accepts(answer)]:
        raise VistokError(
            f"{path}: {len(wrong)} answers are not {scorer.answers} as {kind} needs (first: id {wrong[0]})."
        )
