"""`vistok verify`: reads everything that was built of a study, and reports what cannot be trusted."""

import argparse

from vistok.commands.arguments import add_data_root, add_scale, study_of
from vistok.planning.verify import verify


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok verify`."""
    add_scale(parser)
    add_data_root(parser)


def run(args: argparse.Namespace) -> int:
    """Prints a line per artefact; returns 1 if any cannot be trusted."""
    wrong = count = 0
    for line in verify(study_of(args)):
        print(line, flush=True)
        wrong += line.verdict == "FAIL"
        count += 1
    print(
        f"{wrong} of {count} cannot be trusted: see FAIL above."
        if wrong
        else f"{count} read: all as written."
    )
    return int(wrong > 0)
