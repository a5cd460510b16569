"""`vistok agreement`: prints how far each cell is from the published one, and which are too far."""

import argparse

from vistok.commands.arguments import add_scale, study_of
from vistok.errors import VistokError
from vistok.grid.paths import PUBLISHED
from vistok.tables.agreement import compare


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok agreement`."""
    add_scale(parser, default="paper")


def run(args: argparse.Namespace) -> int:
    """Prints every cell that is scored and published; returns 1 if one is further off than its tolerance.

    Raises:
        VistokError: no cell is scored yet, or a metrics.json is wrong.
    """
    study = study_of(args)
    cells = compare(study, PUBLISHED)
    if not cells:
        raise VistokError(
            f"results/{study.results_id} has no cell that the paper prints too. "
            f"Make them: snakemake paper_tables --config scale={study.scale.id}"
        )
    print(*cells, sep="\n")
    too_far = sum(cell.agrees is False for cell in cells)
    judged = sum(cell.agrees is not None for cell in cells)
    print(
        f"{too_far} of {judged} cells are further from the published ones than {study.scale_file} tolerates."
        if judged
        else f"{study.scale_file} declares no published_tolerance: {len(cells)} cells are held to nothing."
    )
    return int(bool(too_far))
