"""`vistok detect`: finds the objects in generated images, and their colours, for `vistok score geneval`."""

import argparse
from pathlib import Path

from vistok.datasets.geneval import read_prompts
from vistok.datasets.geneval_images import amount
from vistok.evaluation.answer.colours import CLIP, load_colours
from vistok.evaluation.answer.detector import DETECTOR, load_detector
from vistok.evaluation.answer.generated import Models, check_out, detect_generated
from vistok.evaluation.score.geneval import check_prompts
from vistok.files import check_destination
from vistok.training.devices import device_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok detect`."""
    parser.add_argument(
        "images",
        type=Path,
        help="the folder of the images, as GenEval's tools lay it out: 00000/samples/0000.png",
    )
    parser.add_argument(
        "--prompts",
        type=Path,
        required=True,
        metavar="FILE",
        help="evaluation_metadata.jsonl that they were made from",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="JSON Lines to write; what it already has of the same images is kept, and a file of others is refused",
    )
    parser.add_argument(
        "--detector", default=DETECTOR, help="Mask2Former on COCO's instances (default: %(default)s)"
    )
    parser.add_argument("--clip", default=CLIP, help="CLIP that names colours (default: %(default)s)")
    parser.add_argument("--gpu", action="store_true", help="compute on a GPU")


def run(args: argparse.Namespace) -> None:
    """Writes what is seen in each image, and prints how many are new.

    Raises:
        VistokError: the prompts cannot be scored, the images are not of them, the file is there and of something else,
            weights are not here, or the file cannot be written.
    """
    check_destination(args.out, args.prompts)
    prompts = read_prompts(args.prompts)
    check_prompts(args.prompts, prompts)
    check_out(args.images, prompts, args.out)  # before anything is loaded
    device = device_of(int(args.gpu))
    models = Models(load_detector(args.detector, device), load_colours(args.clip, device))
    total, new, dropped = detect_generated(args.images, prompts, args.out, models)
    gone = f"; {amount(dropped, 'old line')} of other images, prompts or networks dropped" if dropped else ""
    print(f"{args.out}: what is seen in {amount(total, 'image')}, {new} of them new{gone}")
