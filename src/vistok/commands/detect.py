"""`vistok detect`: finds the objects in generated images, and their colours, for `vistok score geneval`."""

import argparse
from pathlib import Path

from vistok.datasets.geneval import read_prompts
from vistok.evaluation.answer.colours import CLIP, load_colours
from vistok.evaluation.answer.detector import DETECTOR, load_detector
from vistok.evaluation.answer.generated import Models, detect_generated, samples
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
        help="JSON Lines to write; what it already has of the same images is kept",
    )
    parser.add_argument(
        "--detector", default=DETECTOR, help="Mask2Former on COCO's instances (default: %(default)s)"
    )
    parser.add_argument("--clip", default=CLIP, help="CLIP that names colours (default: %(default)s)")
    parser.add_argument("--gpu", action="store_true", help="compute on a GPU")


def run(args: argparse.Namespace) -> None:
    """Writes what is seen in each image, and prints how many are new.

    Raises:
        VistokError: the images and their prompts do not fit, weights are not here, or the file cannot be written.
    """
    check_destination(args.out, args.prompts)
    prompts = read_prompts(args.prompts)
    samples(args.images, prompts)  # refuses a wrong folder before anything is loaded
    device = device_of(int(args.gpu))
    models = Models(load_detector(args.detector, device), load_colours(args.clip, device))
    new, total = detect_generated(args.images, prompts, args.out, models)
    print(f"{args.out}: what is seen in {total} images, {new} of them new")
