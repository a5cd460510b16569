"""Flips single bits in what was built of a study, and counts how many of them are noticed by what reads it.

.venv/bin/python benchmarks/flips.py --scale smoke            60 flips in each kind of artefact, in this checkout
.venv/bin/python benchmarks/flips.py --scale mini --times 200 --seed 1 --out FILE.json

Each flip hits a random bit of a random file of its kind, whatever the bit means. The file keeps its size and time, and
the flip is taken back. The command fails if one goes unnoticed, or if something is wrong before any.
"""

import argparse
import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

from clones import about

from vistok.errors import VistokError
from vistok.grid.load import load_study
from vistok.grid.study import Study
from vistok.planning.verify import artefacts, data_lines

KINDS = {
    "shards": ("shards/",),
    "checkpoints": ("checkpoints/",),
    "states": ("state/",),
    "predictions": ("results/", "predictions.jsonl", "provenance.json"),
    "metrics": ("results/", "metrics.json"),
    "photographs": ("data/", ".jpg", ".png"),
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", default="smoke")
    parser.add_argument("--times", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0, help="of files and bits")
    parser.add_argument("--out", type=Path, help="a JSON file for what is measured")
    args = parser.parse_args()
    study = load_study(args.scale)
    checks = [*artefacts(study), photographs(study)]
    if wrong := [str(path) for path, check in checks if fails(check)]:
        sys.exit(f"{', '.join(wrong[:3])} cannot be trusted before any bit is flipped: see vistok verify.")
    found: dict[str, dict[str, int] | None] = {}
    print("| artefacts | flips | noticed |\n|---|---|---|")
    for kind, (root, *names) in KINDS.items():
        files = files_of(root, names, args.scale)
        draws = (random.Random(f"{args.seed} {kind} {index}") for index in range(args.times))
        noticed = sum(flip(draw, files, checks) for draw in draws) if files else 0
        found[kind] = {"flips": args.times, "noticed": noticed, "files": len(files)} if files else None
        print(f"| {kind} | {f'{args.times} | {noticed}' if files else 'none is built | '} |", flush=True)
    if args.out:
        args.out.write_text(json.dumps(about() | found, indent=1) + "\n")
    return int(any(each and each["noticed"] < each["flips"] for each in found.values()))


def photographs(study: Study) -> tuple[Path, Callable[[], object]]:
    """Returns the scale's own pictures, and the check of `vistok verify` that compares them with their list."""

    def check() -> None:
        if wrong := [str(line) for line in data_lines(study) if line.verdict == "FAIL"]:
            raise VistokError(wrong[0])

    return Path("data", study.scale.id), check


def files_of(root: str, names: list[str], scale: str) -> list[Path]:
    files = (
        path for path in Path(root, scale).rglob("*") if path.is_file() and not path.name.startswith(".")
    )
    return sorted(
        path for path in files if path.stat().st_size and (not names or path.name.endswith(tuple(names)))
    )


def flip(rng: random.Random, files: list[Path], checks: list[tuple[Path, Callable[[], object]]]) -> bool:
    """Flips one bit, asks whatever reads that file, and takes the flip back; returns whether it was noticed."""
    file = rng.choice(files)
    whole, status = file.read_bytes(), file.stat()
    place = rng.randrange(8 * len(whole))
    other = bytearray(whole)
    other[place // 8] ^= 1 << place % 8
    rewrite(file, other, status)
    try:
        noticed = any(fails(check) for path, check in checks if reads(path, file))
    finally:
        rewrite(file, whole, status)
    if not noticed:
        print(f"UNNOTICED: bit {place} of {file}", file=sys.stderr)
    return noticed


def rewrite(file: Path, data: bytes | bytearray, status: os.stat_result) -> None:
    file.write_bytes(data)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


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
