"""`vistok list-data`: lists official files and weights by digest, so that a change of any of them is noticed."""

import argparse

from vistok.commands.arguments import add_data_root, add_scale, study_of
from vistok.grid.needs import WEIGHTS_OF, weight_names
from vistok.planning.ett import listed_names
from vistok.planning.foreign import write_weight_list
from vistok.planning.listed import find_name, study_names, write_list


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok list-data`."""
    parser.add_argument(
        "names",
        nargs="*",
        metavar="PATH",
        help="a file or folder below the data root, or weights (default: all that the scale reads)",
    )
    add_scale(parser)
    add_data_root(parser)


def run(args: argparse.Namespace) -> None:
    """Writes the lists, below `data/digests`.

    Raises:
        VistokError: the study reads nothing of this name, or a file cannot be read or written.
    """
    study = study_of(args)
    own_models = study.models_study is study
    names = study_names(study) + (weight_names(study, study.subjects()) if own_models else [])
    of_ett = listed_names(study) if own_models else []
    for name in [find_name(each, [*names, *of_ett]) for each in args.names] or names:
        write = write_weight_list if name.startswith(WEIGHTS_OF) else write_list
        print(f"{write(study, name)}  {name}", flush=True)
