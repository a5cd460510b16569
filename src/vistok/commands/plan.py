"""`vistok plan`: prints what tables or runs cost before they run."""

import argparse

from vistok.commands.arguments import add_data_root, add_seeds
from vistok.grid.load import load_study
from vistok.planning import limits
from vistok.planning.plan import ANSWERING, CPU_GFLOPS, TFLOPS, UTILISATION, Rates, chosen, lines, make_plan
from vistok.planning.units import positive
from vistok.tables.checks import check_tables


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok plan`."""
    add_targets(parser)
    parser.add_argument(
        "--tflops", type=float, default=TFLOPS, help="peak of one GPU (default: %(default)s, an A100)"
    )
    parser.add_argument(
        "--utilisation",
        type=float,
        default=UTILISATION,
        help="in training and in reading prompts, a share up to 1 (default: %(default)s)",
    )
    parser.add_argument(
        "--answering-utilisation",
        type=float,
        default=ANSWERING,
        help="in writing answers, a share up to 1 (default: %(default)s)",
    )
    parser.add_argument(
        "--cpu-gflops", type=float, default=CPU_GFLOPS, help="of one core (default: %(default)s)"
    )


def add_targets(parser: argparse.ArgumentParser) -> None:
    """Declares which runs, scale and data root are meant."""
    parser.add_argument("targets", nargs="*", metavar="TABLE|RUN", help="which (default: all tables)")
    parser.add_argument("--scale", default="mini", help="a file of workflow/scales (default: mini)")
    add_data_root(parser)
    add_seeds(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the plan of some tables or runs; returns the exit status.

    Raises:
        VistokError: a rate is none, or a name or a file of the grid is wrong.
    """
    rates = Rates(
        positive("--tflops", args.tflops),
        positive("--utilisation", args.utilisation, most=1),
        positive("--answering-utilisation", args.answering_utilisation, most=1),
        positive("--cpu-gflops", args.cpu_gflops),
    )
    study = load_study(args.scale, data_root=args.data_root, seeds=args.seeds)
    check_tables(study)
    plan = make_plan(study, chosen(study, args.targets), rates)
    print("\n".join([*lines(plan), *limits.lines(plan)]))
    return 0
