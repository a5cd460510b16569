"""`vistok score`: scores anybody's file of predictions, without a model or torch."""

import argparse
from pathlib import Path

from vistok.commands.streams import STREAM, check_output, inputs, tell
from vistok.errors import VistokError
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.score import captions
from vistok.evaluation.score.files import GENEVAL, score_answers_to, write_each
from vistok.files import check_destination
from vistok.grid.kinds import task_kinds


def add_kind_arguments(parser: argparse.ArgumentParser, *, generated: bool = False) -> None:
    """Declares what is asked.

    Args:
        parser: of a verb.
        generated: whether images of prompts may be meant too.
    """
    reads = {task_kind(name).reads for name in task_kinds()}
    parser.add_argument("kind", choices=[*task_kinds(), *[GENEVAL] * generated], help="what was asked")
    parser.add_argument(
        "--references",
        *["--prompts"] * generated,
        type=Path,
        required=True,
        metavar="FILE",
        help=f"official file: {', '.join(sorted(reads | {'GenEval prompts'} if generated else reads))}",
    )


def add_question_arguments(parser: argparse.ArgumentParser, *, generated: bool = False) -> None:
    """Declares what is asked, and under which protocol it is scored."""
    add_kind_arguments(parser, generated=generated)
    kinds = {name: task_kind(name) for name in task_kinds()}
    legal = "; ".join(f"{name}: {', '.join(kind.protocols)}" for name, kind in kinds.items())
    parser.add_argument("--protocol", metavar="NAME", help=f"scorer variant, by default the first ({legal})")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok score`."""
    add_question_arguments(parser, generated=True)
    parser.add_argument(
        "--predictions",
        "--detections",
        type=Path,
        required=True,
        metavar="FILE",
        help='one object per line, {"id": ..., "answer": "..."}: question_id, image_id for captions, 0-based '
        "position in the file for counting and identification; or an official results list, or a file of LLaVA, "
        "lmms-eval, VLMEvalKit (XLSX, TSV) or POPE, or CSV; of geneval detections, or its own tool's results.jsonl; "
        "gzipped or not; - for standard input",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="metrics.json to write, besides the line that is printed; - for standard output",
    )
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
        VistokError: caption metrics are asked for of another kind, or see `score_answers_to`.
    """
    kind = arguments.kind
    if arguments.caption_metrics and (kind == GENEVAL or not task_kind(kind).further_metrics):
        raise VistokError(
            f"--caption-metrics {' '.join(arguments.caption_metrics)} are metrics of captions, and {kind} "
            "answers are to be scored. Leave the option out."
        )
    references, predictions = inputs(arguments.references, arguments.predictions)
    check_output(arguments.out, references, predictions)
    if arguments.per_question:
        check_destination(arguments.per_question, references, predictions, *filter(None, [arguments.out]))
    score = score_answers_to(
        kind,
        references=references,
        predictions=predictions,
        protocol=arguments.protocol,
        allow_missing=arguments.allow_missing,
        only_answered=arguments.only_answered,
        caption_metrics=tuple(arguments.caption_metrics or captions.ALL_BUT_SPICE),
    )
    if arguments.per_question:
        write_each(arguments.per_question, score)
    named = f"{arguments.out}: " if arguments.out and arguments.out != STREAM else ""
    tell(score.report, f"{named}{score}", arguments.out)
