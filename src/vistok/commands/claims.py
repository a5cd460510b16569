"""`vistok claims`: weighs the paper's claims against cells, as a table, a figure and JSON."""

import argparse
from pathlib import Path

from vistok.claims.measured import read_cells
from vistok.claims.values import CLAIMS, read_claims
from vistok.pages.claims import write_claims
from vistok.published.tables import PUBLISHED, read_all_published


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok claims`."""
    parser.add_argument(
        "--published", type=Path, default=PUBLISHED, help="the folder of the published tables"
    )
    parser.add_argument("--claims", type=Path, default=CLAIMS)
    parser.add_argument(
        "--results",
        type=Path,
        help="a scale's cells: a JSON list of {table, row, column, value, low, high, training_error, "
        "training_freedom}, row being the id of the published row",
    )
    parser.add_argument("--name", default="measured", help="what to call the results: the scale's id")
    parser.add_argument(
        "--out", type=Path, required=True, help="the folder to write claims.{md,html,json,svg} to"
    )


def run(args: argparse.Namespace) -> int:
    """Evaluates the claims on the published numbers and on the results; returns the exit status."""
    results = {args.name: read_cells(args.results)} if args.results else {}
    tables = read_all_published(args.published)
    write_claims(tables, read_claims(args.claims, tables), results, args.out)
    return 0
