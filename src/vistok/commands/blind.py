"""`vistok blind`: what answers score that never look at an image, to anybody's questions, without a model or torch."""

import argparse
from pathlib import Path
from typing import Any

from vistok.commands.score import add_question_arguments
from vistok.commands.streams import check_output, inputs, tell
from vistok.errors import VistokError
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.references import load_references
from vistok.evaluation.score.blindly import TrainingSplit, against_best, blind_answers, blind_scores
from vistok.evaluation.score.files import Score, read_files, score_of
from vistok.evaluation.score.scoring import protocol_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok blind`."""
    add_question_arguments(parser)
    parser.add_argument(
        "--questions", type=Path, metavar="FILE", help="VQAv2 questions, if a training split is named"
    )
    parser.add_argument(
        "--training",
        type=Path,
        metavar="FILE",
        help="official file of a training split to fit on (default: the questions about other images, in five folds)",
    )
    parser.add_argument(
        "--training-questions", type=Path, metavar="FILE", help="VQAv2 questions of that split"
    )
    parser.add_argument(
        "--predictions",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="a model's answers, to be held against the best baseline; also those of a language model without the "
        "images, such as `vistok answer-blind` writes",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON to write; - for standard output")


def run(arguments: argparse.Namespace) -> None:
    """Prints a line for each baseline, and for each file of answers how far it is from the best of them.

    Raises:
        VistokError: a file is not as it should be, or no baseline can be fitted.
    """
    references, *predictions = inputs(arguments.references, *arguments.predictions)
    check_output(arguments.out, references, *predictions)
    if arguments.training_questions and not arguments.training:
        raise VistokError("--training-questions without --training: name the answers of that split too.")
    training = TrainingSplit(arguments.training, arguments.training_questions) if arguments.training else None
    protocol = protocol_of(arguments.kind, arguments.protocol)
    questions = load_references(arguments.kind, references)
    scores = blind_scores(
        questions, blind_answers(questions, references, arguments.questions, training), protocol
    )
    titles = task_kind(arguments.kind).baselines
    report: dict[str, Any] = {
        "fitted_on": str(arguments.training) if training else "the questions about other images",
        "baselines": {
            name: {"title": titles.get(name, name), **_plain(score)} for name, score in scores.items()
        },
    }
    lines = [f"{titles.get(name, name)}: {score}" for name, score in scores.items()]
    for path in predictions:
        _, answers = read_files(arguments.kind, references=references, predictions=path)
        score = score_of(questions, answers, protocol)
        best, comparison = against_best(score, scores)
        report.setdefault("predictions", {})[str(path)] = {
            **_plain(score), "best": best, "difference": comparison.difference,
            "interval_of_difference": comparison.interval, "p_value": comparison.p_value,
        }  # fmt: skip
        between = (
            "[{:+.2f}, {:+.2f}]".format(*comparison.interval) if comparison.interval else "(all images alike)"
        )
        lines += [
            f"{path}: {score}",
            f"  {comparison.difference:+.2f} {between} against the {titles.get(best, best)}",
        ]
    tell(report, "\n".join(lines), arguments.out)


def _plain(score: Score) -> dict[str, Any]:
    return {"protocol": score.protocol, "n": score.n, score.metric: score.value, "interval": score.interval}
