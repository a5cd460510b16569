"""`vistok completion`: prints what lets a shell complete verbs and options."""

import argparse
from contextlib import suppress

from vistok.commands.parser import STEPS, TOOLS, imported, make_parser, tool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok completion`."""
    parser.add_argument(
        "shell",
        choices=("bash", "zsh", "tcsh"),
        help='which; for bash: eval "$(vistok completion bash)" in ~/.bashrc',
    )


def run(args: argparse.Namespace) -> None:
    """Prints the script. Options of verbs whose packages are not installed here are not in it."""
    import shtab

    usable = [name for name in (*TOOLS, *STEPS) if _usable(name)]
    print(shtab.complete(make_parser(usable), args.shell))


def _usable(verb: str) -> bool:
    with suppress(ModuleNotFoundError):
        imported("vistok.commands.arguments") if verb in STEPS else tool(verb)
        return True
    return False
