"""`vistok compare`: tests whether one model's predictions are better than another's, without a model or torch."""

import argparse
from pathlib import Path

from vistok.commands.score import add_question_arguments
from vistok.commands.streams import check_output, inputs, tell
from vistok.evaluation.score.compare import as_json, compare_answers_to


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok compare`."""
    add_question_arguments(parser)
    parser.add_argument(
        "--predictions",
        type=Path,
        required=True,
        metavar="FILE",
        help="as `vistok score` takes them; - for standard input",
    )
    parser.add_argument(
        "--against", type=Path, required=True, metavar="FILE", help="another model's predictions"
    )
    parser.add_argument(
        "--only-answered", action="store_true", help="leave out questions that one of them does not answer"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="JSON to write, besides the line that is printed; - for standard output",
    )


def run(arguments: argparse.Namespace) -> None:
    """Runs `vistok compare` with parsed arguments, and prints one line on what came out.

    Raises:
        VistokError: see `compare_answers_to`; or the file cannot be written.
    """
    references, predictions, against = inputs(arguments.references, arguments.predictions, arguments.against)
    check_output(arguments.out, references, predictions, against)
    comparison = compare_answers_to(
        arguments.kind,
        references=references,
        predictions=predictions,
        against=against,
        protocol=arguments.protocol,
        only_answered=arguments.only_answered,
    )
    tell(as_json(comparison), f"{comparison} (another training of either is not in it)", arguments.out)
