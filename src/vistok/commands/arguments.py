"""Arguments that several verbs take."""

import argparse

from vistok.evaluation.tasks import check_tasks
from vistok.grid.load import load_study
from vistok.grid.study import Study


def add_scale(parser: argparse.ArgumentParser, default: str = "mini") -> None:
    """Declares which scale is meant, and which of its questions."""
    parser.add_argument("--scale", default=default, help="a file of workflow/scales (default: %(default)s)")
    parser.add_argument("--split", default="test", help="which questions (default: %(default)s)")
    add_seeds(parser)


def add_seeds(parser: argparse.ArgumentParser) -> None:
    """Declares how often each row is trained."""
    parser.add_argument(
        "--seeds",
        type=int,
        default=1,
        metavar="N",
        help="how often each row is trained that does not declare its seeds (default: %(default)s)",
    )


def add_data_root(parser: argparse.ArgumentParser) -> None:
    """Declares where the official files are."""
    parser.add_argument(
        "--data-root", metavar="FOLDER", help="where the official files are, if not where the scale says"
    )


def study_of(args: argparse.Namespace) -> Study:
    """Returns the study that the arguments name.

    Raises:
        VistokError: the scale, the split or the grid is wrong.
    """
    study = load_study(
        args.scale, split=args.split, data_root=getattr(args, "data_root", None), seeds=args.seeds
    )
    check_tasks(study)
    return study
