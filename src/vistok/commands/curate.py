"""`vistok curate counting|identification|check`: makes or verifies GVTBench files."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from vistok.benchmark.annotations import (
    Annotations,
    ImageId,
    Origin,
    not_annotated,
    read_annotations,
    read_image_list,
)
from vistok.benchmark.check import check_questions
from vistok.benchmark.curate import RELEASED_QUESTIONS, TOGETHER, curate
from vistok.benchmark.questions import Rules, write_questions
from vistok.datasets.gvtbench import read_object_questions
from vistok.errors import VistokError, printable
from vistok.files import check_destination


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares `counting`, `identification` and `check` on the parser of `vistok curate`."""
    verbs = parser.add_subparsers(dest="curate", required=True, metavar="counting|identification|check")
    for verb, what in (("counting", "OC questions"), ("identification", "MCI questions")):
        _add_curation_arguments(verbs.add_parser(verb, help=f"make {what} from annotations"))
    add_check_arguments(verbs.add_parser("check", help="verify a GVTBench file against annotations"))


def run(args: argparse.Namespace) -> int:
    """Runs one of the three verbs; returns the exit status.

    Raises:
        VistokError: a file is wrong, or no question can be made.
    """
    if args.curate == "check":
        return run_check(args)
    vocabulary = [args.categories] if args.categories else []
    check_destination(args.out, args.instances, *vocabulary, *args.images, *args.exclude_images)
    if vocabulary and not args.instances.is_dir():
        raise VistokError(
            f"--categories {args.categories} is VCR's vocabulary, and {args.instances} is no folder of VCR metadata: "
            "COCO's instances bring their own. Leave the option out."
        )
    if args.seed < 0:
        raise VistokError(f"--seed {args.seed}: a whole number from 0 on is needed.")
    annotations = read_annotations(args.instances, categories=args.categories)
    keep, leave_out = (_listed(paths, annotations.origin) for paths in (args.images, args.exclude_images))
    questions = curate(
        args.curate,
        annotations,
        keep=keep if args.images else None,
        leave_out=leave_out,
        rules=args.rules,
        questions=args.questions,
        seed=args.seed,
    )
    write_questions(args.out, questions)
    images = len({question.image_id for question in questions})
    print(
        f"{args.out}: {len(questions)} {args.curate} questions{_why_fewer(args, len(questions))} about {images} "
        f"images, {args.rules} rules"
    )
    for option, listed in (("--images", keep), ("--exclude-images", leave_out)):
        _print_not_annotated(option, listed, annotations, args.instances)
    if (
        args.rules == "corrected"
        and annotations.origin == "coco"
        and not (args.images or args.exclude_images)
    ):
        print(
            "Images that captioners are trained on may be among them: --images with the lists of Karpathy's val and "
            "test splits keeps to images that are held out."
        )
    return 0


def _print_not_annotated(
    option: str, listed: Sequence[ImageId], annotations: Annotations, instances: Path
) -> None:
    if absent := not_annotated(annotations, listed):
        print(
            f"{option}: {len(absent)} of {len(set(listed))} listed images are not annotated in {instances} and were "
            f"passed over (first: {printable(str(absent[0]))})."
        )


def _why_fewer(args: argparse.Namespace, made: int) -> str:
    if made == args.questions:
        return ""
    why = "the annotations allow no more"
    if args.questions - made < TOGETHER.get((args.curate, args.rules), 1):
        why = "Yes and No come in pairs" if args.curate == "identification" else "no more can be balanced"
    return f" ({args.questions} asked: {why})"


def _add_curation_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--instances",
        type=Path,
        required=True,
        help="a COCO instances file, or a folder of VCR metadata files",
    )
    parser.add_argument(
        "--categories", type=Path, help="VCR's vocabulary; default: what the metadata files show"
    )
    parser.add_argument(
        "--images",
        type=Path,
        nargs="+",
        default=[],
        help="only the images of these lists, as often as listed (ids, file names, or VCR's .jsonl)",
    )
    parser.add_argument(
        "--exclude-images", type=Path, nargs="+", default=[], help="none of the images of these lists"
    )
    parser.add_argument(
        "--rules",
        choices=get_args(Rules),
        default="corrected",
        help="GVTBench's own, ours, or (counting) `differ`: all of an image's categories, where all counts differ",
    )
    parser.add_argument("--questions", type=int, default=RELEASED_QUESTIONS, help="at most this many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="the GVTBench file to write")


def _listed(paths: Sequence[Path], origin: Origin) -> list[ImageId]:
    return [image for path in paths for image in read_image_list(path, origin)]


def add_check_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok curate check`."""
    parser.add_argument("file", type=Path, help="a GVTBench file")
    parser.add_argument(
        "--instances",
        type=Path,
        required=True,
        help="a COCO instances file, or a folder of VCR metadata files",
    )
    parser.add_argument(
        "--categories", type=Path, help="VCR's vocabulary; default: what the metadata files show"
    )


def run_check(args: argparse.Namespace) -> int:
    """Prints the comparison; returns 1 where something disagrees, or nothing could be checked."""
    report = check_questions(
        read_object_questions(args.file), read_annotations(args.instances, categories=args.categories)
    )
    print("\n".join(report.lines))
    return 1 if report.disagreements or not report.checked else 0
