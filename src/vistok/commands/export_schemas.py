"""`vistok export-schemas`: writes the JSON schemas of the grid for editors."""

import argparse
from pathlib import Path

from vistok.grid.schemas import export


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares nothing: the verb takes no arguments."""


def run(args: argparse.Namespace) -> None:
    """Writes the schemas below the working folder."""
    export(Path())
