"""`vistok overlap`: which images of a test are in a training list, and how answers score without them."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from vistok.benchmark.training_lists import KARPATHY_TRAINING, read_training_images
from vistok.commands.score import add_question_arguments
from vistok.commands.streams import inputs
from vistok.evaluation.references import load_references
from vistok.evaluation.score.files import Score, read_files, score_of
from vistok.evaluation.score.overlap import Overlap, overlap
from vistok.evaluation.score.scoring import protocol_of
from vistok.files import check_destination, write_json, write_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok overlap`."""
    add_question_arguments(parser)
    parser.add_argument(
        "--training",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="lists of what was trained on: COCO's JSON files, Karpathy's dataset_coco.json, Visual Genome's "
        "image_data.json, or an id or a file name a line",
    )
    parser.add_argument(
        "--splits",
        nargs="+",
        default=[*KARPATHY_TRAINING],
        help="of a Karpathy file, those that are trained on (default: train restval)",
    )
    parser.add_argument(
        "--predictions",
        type=Path,
        metavar="FILE",
        help="answers to score on the clean rest; - for standard input",
    )
    parser.add_argument("--only-answered", action="store_true", help="leave questions without an answer out")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="where to write shared.txt, clean.txt (images) and overlap.json",
    )


def run(arguments: argparse.Namespace) -> None:
    """Prints how many images each list shares with the test, and what answers score without and with them.

    Raises:
        VistokError: a file is not as it should be, or cannot be written.
    """
    named = [arguments.predictions] if arguments.predictions else []
    references, *predictions = inputs(arguments.references, *named)
    names = ("shared.txt", "clean.txt", "overlap.json")
    for name in names if arguments.out else ():
        check_destination(arguments.out / name, references, *predictions, *arguments.training)
    protocol = protocol_of(arguments.kind, arguments.protocol)
    questions = load_references(arguments.kind, references)
    lists = {path: read_training_images(path, arguments.splits) for path in arguments.training}
    total = overlap(questions, frozenset().union(*lists.values()))
    report: dict[str, Any] = {
        "images": len(total.shared) + len(total.clean),
        "shared": len(total.shared),
        "lists": {},
        "scores": {},
    }
    lines = []
    for path, images in lists.items():
        shared = overlap(questions, images).shared
        report["lists"][str(path)] = {"images": len(images), "shared": len(shared)}
        lines.append(f"{path}: {len(images)} images, {len(shared)} of the {report['images']} of {references}")
    lines.append(f"clean of all lists: {len(total.clean)} of {report['images']} images")
    for path in predictions:
        answered, answers = read_files(
            arguments.kind, references=references, predictions=path, only_answered=arguments.only_answered
        )
        split = overlap(answered, frozenset(total.shared))
        for name, subset in {"all": answered, **split.parts}.items():
            score = _without_of(score_of(subset, answers, protocol))
            report["scores"][name] = score.report
            lines.append(f"{name}: {score}")
    if arguments.out:
        _write(arguments.out, total, report)
    print("\n".join(lines))


def _without_of(score: Score) -> Score:
    """Returns a score that does not tell of how many it is a part: a part is what was asked for."""
    return replace(score, report={key: value for key, value in score.report.items() if key != "of"})


def _write(folder: Path, total: Overlap, report: object) -> None:
    for name, images in (("shared.txt", total.shared), ("clean.txt", total.clean)):
        write_text(folder / name, "".join(f"{image}\n" for image in images))
    write_json(folder / "overlap.json", report)
