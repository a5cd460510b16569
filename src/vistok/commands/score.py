"""`vistok score`: scores anybody's file of predictions, without a model or torch."""

import argparse
from pathlib import Path

from vistok.errors import VistokError
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.score import captions
from vistok.evaluation.score.files import score_files
from vistok.grid.kinds import task_kinds


def add_question_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what is asked, and under which protocol it is scored."""
    kinds = {name: task_kind(name) for name in task_kinds()}
    parser.add_argument("kind", choices=task_kinds(), help="what was asked")
    parser.add_argument(
        "--references",
        type=Path,
        required=True,
        metavar="FILE",
        help=f"official file: {', '.join(sorted({kind.reads for kind in kinds.values()}))}",
    )
    legal = "; ".join(f"{name}: {', '.join(kind.protocols)}" for name, kind in kinds.items())
    parser.add_argument("--protocol", metavar="NAME", help=f"scorer variant, by default the first ({legal})")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok score`."""
    add_question_arguments(parser)
    parser.add_argument(
        "--predictions",
        type=Path,
        required=True,
        metavar="FILE",
        help='one object per line, {"id": ..., "answer": "..."}: question_id, image_id for captions, 0-based '
        "position in the file for counting and identification; or an official results list, or a file of LLaVA, "
        "lmms-eval, VLMEvalKit (XLSX, TSV) or POPE, or CSV; gzipped or not",
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
    if arguments.caption_metrics and not task_kind(arguments.kind).further_metrics:
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
