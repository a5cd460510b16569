"""`vistok flips`: which questions two protocols score differently, without a model or torch."""

import argparse
from pathlib import Path

from vistok.commands.score import add_kind_arguments
from vistok.commands.streams import check_output, inputs
from vistok.errors import printable
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.score.flips import Flip, Flips, flips_between
from vistok.files import write_jsonl


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok flips`."""
    add_kind_arguments(parser)
    parser.add_argument(
        "--predictions",
        type=Path,
        required=True,
        metavar="FILE",
        help="as `vistok score` takes them; - for standard input",
    )
    parser.add_argument(
        "--protocols",
        nargs=2,
        metavar=("FIRST", "SECOND"),
        help="which two (default: the first two of the kind, see `vistok score --help`)",
    )
    parser.add_argument("--only-answered", action="store_true", help="leave questions without an answer out")
    parser.add_argument(
        "--show", type=int, default=10, metavar="N", help="how many to print (default: %(default)s)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="JSON Lines to write: id, image, question, truth, answer and both values of each",
    )


def run(arguments: argparse.Namespace) -> None:
    """Prints how many questions differ, and the first of them.

    Raises:
        VistokError: see `flips_between`; or the file cannot be written.
    """
    references, predictions = inputs(arguments.references, arguments.predictions)
    check_output(arguments.out, references, predictions)
    first, second = arguments.protocols or [*task_kind(arguments.kind).protocols][:2]
    flips = flips_between(
        arguments.kind,
        references=references,
        predictions=predictions,
        protocols=(first, second),
        only_answered=arguments.only_answered,
    )
    if arguments.out:
        write_jsonl(arguments.out, _rows(flips))
    print(flips)
    for flip in flips.flips[: max(arguments.show, 0)]:
        which = printable(f"{flip.id} (image {flip.image})")
        print(f"  {which}: {flip.first:g} -> {flip.second:g}  {_in_words(flip)}")


def _in_words(flip: Flip) -> str:
    """Returns a question with its truth and the model's answer in one line, each cut to a readable length."""
    question = f"{printable(flip.question)[:80]}  " if flip.question else ""
    answer, truth = printable(str(flip.answer))[:80], printable(" | ".join(flip.truth))[:80]
    return f"{question}answer {answer!r}, truth {truth!r}"


def _rows(flips: Flips) -> list[dict[str, object]]:
    names = flips.first.protocol, flips.second.protocol
    return [
        {
            "id": flip.id,
            "image": flip.image,
            "question": flip.question,
            "truth": flip.truth,
            "answer": flip.answer,
            names[0]: flip.first,
            names[1]: flip.second,
        }
        for flip in flips.flips
    ]
