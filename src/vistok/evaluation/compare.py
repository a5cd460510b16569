"""Compares two models' answers to the same questions, image by image; `vistok compare` without a model or torch."""

import argparse
from pathlib import Path
from typing import Any

from vistok.errors import VistokError
from vistok.evaluation.score import protocol_of, score_questions
from vistok.evaluation.score_files import add_question_arguments, read_files
from vistok.evaluation.statistics import LEAST_GROUPS, paired_test
from vistok.files import check_destination, write_json

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
        kind: one of `KINDS`.
        references: the official file, see `load_references`.
        predictions: JSON Lines, see `read_predictions`.
        against: the other ones.
        protocol: one of `PROTOCOLS[kind]`; None means the first.
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok compare`."""
    add_question_arguments(parser)
    parser.add_argument(
        "--predictions", type=Path, required=True, metavar="FILE", help="as `vistok score` takes them"
    )
    parser.add_argument(
        "--against", type=Path, required=True, metavar="FILE", help="another model's predictions"
    )
    parser.add_argument(
        "--only-answered", action="store_true", help="leave out questions that one of them does not answer"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="JSON to write, besides the line that is printed"
    )


def run(arguments: argparse.Namespace) -> None:
    """Runs `vistok compare` with parsed arguments, and prints one line on what came out.

    Raises:
        VistokError: see `compare_files`; or the file cannot be written.
    """
    if arguments.out:
        check_destination(arguments.out, arguments.references, arguments.predictions, arguments.against)
    found = compare_files(
        arguments.kind,
        references=arguments.references,
        predictions=arguments.predictions,
        against=arguments.against,
        protocol=arguments.protocol,
        only_answered=arguments.only_answered,
    )
    if arguments.out:
        write_json(arguments.out, found)
    interval = "[{:+.2f}, {:+.2f}]".format(*found["interval"]) if found["interval"] else "(all images alike)"
    print(
        f"{found['metric']} {found['predictions']:.2f} against {found['against']:.2f}: {found['difference']:+.2f} "
        f"{interval}, p = {found['p_value']:.4f}, {found['n']} {found['task']} questions about "
        f"{found['images']} images, {found['protocol']} protocol"
    )
