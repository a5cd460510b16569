"""The door to curation: `vistok curate counting|identification|check`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from vistok.benchmark import check
from vistok.benchmark.annotations import (
    Annotations,
    ImageId,
    Origin,
    read_annotations,
    read_image_list,
    select,
)
from vistok.benchmark.counting import LARGEST_SHARE, counting_questions
from vistok.benchmark.identification import identification_questions
from vistok.benchmark.questions import CurationTask, Question, Rules, write_questions
from vistok.errors import VistokError
from vistok.files import check_destination

RELEASED_QUESTIONS = 10_000
_RELEASED_NEED = "an image with at least one object (VCR: three)"
# What comes together or not at all: an object in four different numbers; a "Yes." and a "No.".
_TOGETHER: Final[dict[tuple[CurationTask, Rules], int]] = {
    ("counting", "corrected"): round(1 / LARGEST_SHARE),
    ("identification", "corrected"): 2,
}
# What the rules make a question of.
_NEEDED: Final[dict[tuple[CurationTask, Rules], str]] = {
    ("counting", "released"): f"{_RELEASED_NEED}, and of one of them 1 to 9",
    ("counting", "corrected"): "an object that the images show in four different numbers, 1 to 9, uncrowded",
    ("identification", "released"): _RELEASED_NEED,
    ("identification", "corrected"): "an object that is in some of the images and not in others",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares `counting`, `identification` and `check` on the parser of `vistok curate`."""
    verbs = parser.add_subparsers(dest="curate", required=True, metavar="counting|identification|check")
    for verb, what in (("counting", "OC questions"), ("identification", "MCI questions")):
        _add_curation_arguments(verbs.add_parser(verb, help=f"make {what} from annotations"))
    check.add_arguments(verbs.add_parser("check", help="verify a GVTBench file against annotations"))


def run(args: argparse.Namespace) -> int:
    """Runs one of the three verbs; returns the exit status.

    Raises:
        VistokError: a file is wrong, or no question can be made.
    """
    if args.curate == "check":
        return check.run(args)
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
    questions = curate(
        args.curate,
        annotations,
        keep=_listed(args.images, annotations.origin) if args.images else None,
        leave_out=_listed(args.exclude_images, annotations.origin),
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


def _why_fewer(args: argparse.Namespace, made: int) -> str:
    if made == args.questions:
        return ""
    why = "the annotations allow no more"
    if args.questions - made < _TOGETHER.get((args.curate, args.rules), 1):
        why = "Yes and No come in pairs" if args.curate == "identification" else "no more can be balanced"
    return f" ({args.questions} asked: {why})"


def curate(
    task: CurationTask,
    annotations: Annotations,
    *,
    keep: Sequence[ImageId] | None = None,
    leave_out: Sequence[ImageId] = (),
    rules: Rules = "corrected",
    questions: int = RELEASED_QUESTIONS,
    seed: int = 0,
) -> tuple[Question, ...]:
    """Returns OC (`counting`) or MCI (`identification`) questions about annotated images.

    Raises:
        VistokError: no question is asked for, or the images allow none.
    """
    least = _TOGETHER.get((task, rules), 1)
    if questions < least:
        raise VistokError(
            f"{questions} {task} questions by the {rules} rules cannot be made: ask for at least {least} (--questions)."
        )
    images = select(annotations, keep=keep, leave_out=leave_out)
    origin, categories = annotations.origin, annotations.categories
    if task == "counting":
        made = counting_questions(images, origin=origin, rules=rules, questions=questions, seed=seed)
    else:
        made = identification_questions(
            images, categories=categories, origin=origin, rules=rules, questions=questions, seed=seed
        )
    if made:
        return made
    if not images and annotations.images:
        raise VistokError(
            f"no {task} question can be made: the image lists leave 0 of {len(annotations.images)} annotated images. "
            "Name more images, or check that the lists' ids are those of the annotations."
        )
    raise VistokError(
        f"no {task} question can be made of {len(images)} images by the {rules} rules. Needed is "
        f"{_NEEDED[task, rules]}; none is there. Give more annotated images, or other --rules."
    )


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
    parser.add_argument("--rules", choices=("released", "corrected"), default="corrected")
    parser.add_argument("--questions", type=int, default=RELEASED_QUESTIONS, help="at most this many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="the GVTBench file to write")


def _listed(paths: Sequence[Path], origin: Origin) -> list[ImageId]:
    return [image for path in paths for image in read_image_list(path, origin)]
