"""`vistok make-world`: makes the data of a scale that has a world of its own."""

import argparse
from pathlib import Path

from vistok.commands.arguments import add_data_root, add_scale, study_of
from vistok.grid.steps import STEPS
from vistok.pins import PINS, pin
from vistok.provenance import Stopwatch
from vistok.steps import make_world


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok make-world`."""
    parser.add_argument("--pin", action="store_true", help="pin the digest of what is made, not check it")
    add_scale(parser)
    add_data_root(parser)


def run(args: argparse.Namespace) -> None:
    """Makes the data, and checks or pins its digest.

    Raises:
        VistokError: the scale has no world, or what is made is not what is pinned.
    """
    stopwatch, study = Stopwatch(), study_of(args)
    make_world.run(study, check=not args.pin)
    stopwatch.write(STEPS["make-world"].benchmark(study))
    if args.pin:
        print(f"{PINS}: pinned {pin(PINS, Path(study.scale.data_root))}")
