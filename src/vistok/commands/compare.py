"""`vistok compare`: tests whether one model's predictions are better than another's, without a model or torch."""

import argparse
from pathlib import Path

from vistok.commands.score import add_question_arguments
from vistok.evaluation.score.compare import compare_files
from vistok.files import check_destination, write_json


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
    result = compare_files(
        arguments.kind,
        references=arguments.references,
        predictions=arguments.predictions,
        against=arguments.against,
        protocol=arguments.protocol,
        only_answered=arguments.only_answered,
    )
    if arguments.out:
        write_json(arguments.out, result)
    interval = (
        "[{:+.2f}, {:+.2f}]".format(*result["interval"]) if result["interval"] else "(all images alike)"
    )
    print(
        f"{result['metric']} {result['predictions']:.2f} against {result['against']:.2f}: {result['difference']:+.2f} "
        f"{interval}, p = {result['p_value']:.4f}, {result['n']} {result['task']} questions about "
        f"{result['images']} images, {result['protocol']} protocol"
    )
