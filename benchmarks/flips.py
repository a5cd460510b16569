"""Flips single bits in what was built of a study, and counts how many of them are noticed by what reads it.

python3 benchmarks/flips.py --scale smoke            60 flips in each kind of artefact, in this checkout
python3 benchmarks/flips.py --scale mini --times 200

Each flip hits a random bit of a random file of its kind, whatever the bit means, and is taken back. The command fails
if one goes unnoticed.
"""

import argparse
import random
import sys
from collections.abc import Callable
from pathlib import Path

from vistok.errors import VistokError
from vistok.grid.load import load_study
from vistok.planning.verify import artefacts

KINDS = {
    "shards": ("shards/",),
    "checkpoints": ("checkpoints/",),
    "states": ("state/",),
    "predictions": ("results/", "predictions.jsonl", "provenance.json"),
    "metrics": ("results/", "metrics.json"),
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", default="smoke")
    parser.add_argument("--times", type=int, default=60)
    args = parser.parse_args()
    checks = list(artefacts(load_study(args.scale)))
    missed = 0
    print("| artefacts | flips | noticed |\n|---|---|---|")
    for kind, (root, *names) in KINDS.items():
        files = files_of(root, names, args.scale)
        if not files:
            print(f"| {kind} | none is built | |", flush=True)
            continue
        noticed = sum(flip(random.Random(place), files, checks) for place in range(args.times))
        missed += args.times - noticed
        print(f"| {kind} | {args.times} | {noticed} |", flush=True)
    return min(missed, 1)


def files_of(root: str, names: list[str], scale: str) -> list[Path]:
    files = (
        path for path in Path(root, scale).rglob("*") if path.is_file() and not path.name.startswith(".")
    )
    return sorted(path for path in files if path.stat().st_size and (not names or path.name in names))


def flip(rng: random.Random, files: list[Path], checks: list[tuple[Path, Callable[[], object]]]) -> bool:
    """Flips one bit, asks whatever reads that file, and takes the flip back; returns whether it was noticed."""
    file = rng.choice(files)
    whole = file.read_bytes()
    place = rng.randrange(8 * len(whole))
    other = bytearray(whole)
    other[place // 8] ^= 1 << place % 8
    file.write_bytes(other)
    try:
        noticed = any(fails(check) for path, check in checks if reads(path, file))
    finally:
        file.write_bytes(whole)
    if not noticed:
        print(f"UNNOTICED: bit {place} of {file}", file=sys.stderr)
    return noticed


def reads(path: Path, file: Path) -> bool:
    """Tells whether a check of `path` reads `file`: it is it, lies in it, or is read with the scores of its task."""
    return file == path or path in file.parents or (path.parent == file.parent and "results" in path.parts)


def fails(check: Callable[[], object]) -> bool:
    try:
        check()
    except VistokError:
        return True
    return False


if __name__ == "__main__":
    sys.exit(main())
