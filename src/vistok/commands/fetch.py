"""`vistok fetch`: fetches, verifies and unpacks an official archive."""

import argparse
from pathlib import Path
from typing import Final

from vistok.errors import VistokError
from vistok.grid.downloads import find_download, load_downloads
from vistok.grid.load import load_study
from vistok.planning.fetch import fetch, is_fetched, state
from vistok.planning.foreign import LOCK, lock_weights

WEIGHTS: Final = "weights"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok fetch`."""
    parser.add_argument(
        "id",
        nargs="?",
        help="an entry of workflow/grid/downloads.yaml; without it: list them; weights: write down which published "
        "weights are here, by revision and digest",
    )
    parser.add_argument("--scale", default="paper", help="whose data root it goes into (default: paper)")
    parser.add_argument("--data-root", metavar="FOLDER", help="where to, if not where the scale says")
    parser.add_argument(
        "--archive", type=Path, metavar="FILE", help="take this file: you have fetched it yourself"
    )
    parser.add_argument(
        "--keep-archives", action="store_true", help="leave the archives in <data root>/archives"
    )


def run(args: argparse.Namespace) -> int:
    """Fetches one download, or lists them all; returns the exit status."""
    scale = load_study(args.scale, data_root=args.data_root).scale
    if scale.world:
        raise VistokError(f"the scale {scale.id!r} makes its own data: nothing to fetch.")
    root, downloads = Path(scale.data_root), load_downloads()
    if args.id == WEIGHTS:
        for line in lock_weights(load_study(args.scale, data_root=args.data_root)):
            print(line, flush=True)
        print(
            f"{LOCK}: written; jobs refuse weights of another digest than it has. Version it with the grid."
        )
        return 0
    if args.id is None:
        print(
            "\n".join(f"{entry.id:26}{state(entry, root):38}{entry.licence}" for entry in downloads.values())
        )
        return 0
    entry = find_download(args.id, downloads)
    if entry.agreement and entry.url and not is_fetched(entry, root):
        print(f"{entry.id}: whoever fetches this has agreed to its terms. {entry.agreement}", flush=True)
    fetch(entry, root, archive=args.archive, keep_archives=args.keep_archives)
    print(f"{entry.id}: in {root / entry.into}. Licence: {entry.licence}.")
    return 0
