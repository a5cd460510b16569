"""`vistok adopt`: makes Snakemake accept the results that DVC pulled."""

import argparse
import sys

from vistok.versions.adopt import LOCK, adopt


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok adopt`."""
    parser.add_argument(
        "--all", action="store_true", help="check everything, not only what DVC has just pulled"
    )


def run(args: argparse.Namespace) -> int:
    """Adopts the results, prints the outcome, and returns 1 if anything is not what is pinned, else 0.

    Raises:
        VistokError: there is no valid dvc.lock.
    """
    adopted = adopt(everything=args.all)
    for stage in adopted.own:
        print(f"{stage}: built here since; dvc repro {stage} records it")
    for path in adopted.wrong:
        print(
            f"{path}: not the bytes that {LOCK} pins; not used, snakemake will make it again", file=sys.stderr
        )
    print(f"adopted: {len(adopted.adopted)}, not here: {len(adopted.absent)}, wrong: {len(adopted.wrong)}")
    return int(bool(adopted.wrong))
