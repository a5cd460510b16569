"""The door to scoring: `vistok score` scores anybody's file of predictions, without a model or torch."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vistok.errors import VistokError
from vistok.evaluation.predictions import read_predictions
from vistok.evaluation.references import KINDS, References, load_references
from vistok.evaluation.score import DECIMALS, PROTOCOLS, protocol_of, reported, score_questions
from vistok.evaluation.scorers import captions, choice
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
        kind: one of `KINDS`.
        references: the official file, see `load_references`.
        predictions: JSON Lines, see `read_predictions`.
        protocol: one of `PROTOCOLS[kind]`; None means the first.
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
        kind: one of `KINDS`.
        references: the official file, see `load_references`.
        predictions: JSON Lines, see `read_predictions`.
        allow_missing: questions may have no answer.
        only_answered: questions without an answer are left out.

    Raises:
        VistokError: either file is not as it should be, or the kind is unknown.
    """
    questions = load_references(kind, references)
    answers = read_predictions(predictions, questions.ids, allow_missing=allow_missing or only_answered)
    _check_losses(kind, predictions, answers)
    return _answered(questions, answers, predictions) if only_answered else questions, answers


def _answered(questions: References, answers: Mapping[str, Any], predictions: Path) -> References:
    ids = [key for key in questions.ids if str(key) in answers]
    if not ids:
        raise VistokError(
            f"{predictions} answers none of the {len(questions.ids)} {questions.kind} questions, and only those with "
            "an answer are to be scored. Give it at least one."
        )
    return questions.of_questions(ids)


def _check_losses(kind: str, path: Path, answers: Mapping[str, Any]) -> None:
    wrong = [key for key, answer in answers.items() if not isinstance(answer, str)]
    if kind == "choice":
        wrong = [key for key in wrong if len(answers[key]) != len(choice.LETTERS)]
    if wrong:
        legal = "a text, or four losses," if kind == "choice" else "a text"
        raise VistokError(
            f"{path}: {len(wrong)} answers are not {legal} as {kind} needs (first: id {wrong[0]})."
        )


def add_question_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what is asked, and under which protocol it is scored."""
    parser.add_argument("kind", choices=KINDS, help="what was asked")
    parser.add_argument(
        "--references",
        type=Path,
        required=True,
        metavar="FILE",
        help="official file: VQAv2 annotations, COCO captions, GVTBench JSON or SEED-Bench JSON",
    )
    legal = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in PROTOCOLS.items())
    parser.add_argument("--protocol", metavar="NAME", help=f"scorer variant, by default the first ({legal})")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok score`."""
    add_question_arguments(parser)
    parser.add_argument(
        "--predictions",
        type=Path,
        required=True,
        metavar="FILE",
        help='one object a line, {"id": ..., "answer": "..."}: question_id, image_id for captions, 0-based '
        "position in the file for counting and identification",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="metrics.json to write")
    parser.add_argument(
        "--per-question",
        type=Path,
        metavar="FILE",
        help="JSON Lines to write: each question's value, and its image",
    )
    missing = parser.add_mutually_exclusive_group()
    missing.add_argument(
        "--allow-missing", action="store_true", help="score questions without an answer as wrong"
    )
    missing.add_argument("--only-answered", action="store_true", help="leave questions without an answer out")
    parser.add_argument(
        "--caption-metrics",
        nargs="+",
        choices=captions.METRICS,
        help="which metrics to compute, for captions alone, CIDEr always among them (default: all but SPICE)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Runs `vistok score` with parsed arguments, and prints one line on what came out.

    Raises:
        VistokError: caption metrics are asked for of another kind, or see `score_files`.
    """
    if arguments.caption_metrics and arguments.kind != "caption":
        raise VistokError(
            f"--caption-metrics {' '.join(arguments.caption_metrics)} are metrics of captions, and {arguments.kind} "
            "answers are to be scored. Leave the option out."
        )
    report = score_files(
        arguments.kind,
        references=arguments.references,
        predictions=arguments.predictions,
        protocol=arguments.protocol,
        out=arguments.out,
        per_question=arguments.per_question,
        allow_missing=arguments.allow_missing,
        only_answered=arguments.only_answered,
        caption_metrics=tuple(arguments.caption_metrics or captions.ALL_BUT_SPICE),
    )
    (metric,) = report["intervals"]
    missing = f", {report['missing']['count']} of them unanswered" if "missing" in report else ""
    missing += f", the answered ones of {report['of']}" if "of" in report else ""
    print(
        f"{arguments.out}: {metric} {report['metrics'][metric]:.2f} of {report['n']} {arguments.kind} questions"
        f"{missing}, {report['protocol']} protocol"
    )
