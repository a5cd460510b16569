"""`vistok export-experiments`: writes the list of experiments for DVC, and what each depends on."""

import argparse

from vistok.commands.arguments import add_data_root, add_scale, study_of
from vistok.versions.experiments import export


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok export-experiments`."""
    add_scale(parser)
    add_data_root(parser)
    parser.add_argument(
        "--ett", choices=("yes", "no"), default="yes", help="ETT's rows and tables too (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> None:
    """Writes the list of a study.

    Raises:
        VistokError: a name or a file of the grid is wrong.
    """
    export(study_of(args), ett=args.ett == "yes")
