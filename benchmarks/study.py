"""Measures what the study promises of itself: installing, building, rebuilding, being killed, doing nothing.

python3 benchmarks/study.py install|build|twice|kill|nothing [--scale smoke] [--cores 2]

Each verb prints a small table and fails if a target is missed. Only `install` can run without this checkout's
environment. Clones are of the last commit, into a temporary folder.
"""

import argparse
import csv
import hashlib
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from clones import ROOT, SNAKEMAKE, cloned, environment_of, killed, paper_tables, timed, told

INSTALLED = ".venv/installed"

INSTALL_SECONDS = 240
START_SECONDS = 2
BUILD_SECONDS = 900
JOB_MIB = 4096
NOTHING_SECONDS = 10
KILLS = 3


@dataclass(frozen=True)
class Measure:
    """A row of the table: what was measured, its value and its target, and whether the target is kept."""

    what: str
    value: str
    target: str
    kept: bool


@dataclass(frozen=True)
class Job:
    """What one job measured of itself."""

    rule: str
    name: str
    seconds: float
    mib: float


def main() -> int:
    asked = parsed()
    print(
        f"commit {told('git', 'describe', '--always', '--dirty')}, scale {asked.scale}, {asked.cores} cores"
    )
    if told("git", "status", "--porcelain"):
        print("The working tree has changes: clones are of the commit, without them.")
    with tempfile.TemporaryDirectory(prefix="vistok-") as folder:
        place = Path(asked.keep or folder).resolve()
        place.mkdir(parents=True, exist_ok=True)
        measures = VERBS[asked.verb](place, asked)
    show(("what", "measured", "target", ""), [(m.what, m.value, m.target, word(m.kept)) for m in measures])
    return 0 if all(measure.kept for measure in measures) else 1


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("--scale", default="mini", help="mini by default; smoke tries this script out")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="of the moments to kill at")
    parser.add_argument("--keep", metavar="FOLDER", help="make the clones there, and leave them")
    parser.add_argument(
        "--checkout",
        type=Path,
        default=ROOT,
        help="for `nothing`: a finished build, this checkout by default",
    )
    return parser.parse_args()


def install(folder: Path, asked: argparse.Namespace) -> list[Measure]:
    """Makes an environment in a clean clone, from the network: pip's cache is not used."""
    checkout = cloned(folder / "install", "mini")
    make = ["make", "--silent", INSTALLED]
    environment = {**os.environ, "PIP_NO_CACHE_DIR": "1"}
    seconds = timed(make, checkout, environment, folder / "install.log")
    again = timed(make, checkout, environment, folder / "install-again.log")
    return [
        at_most("install, nothing cached", seconds, INSTALL_SECONDS),
        at_most("start when it is there", again, START_SECONDS),
    ]


def build(folder: Path, asked: argparse.Namespace) -> list[Measure]:
    """Builds the tables in a clean clone, and tells what each rule took."""
    checkout, seconds = undisturbed(folder, asked)
    jobs = [
        job for file in sorted((checkout / "benchmarks").rglob("*.tsv")) for job in read_jobs(checkout, file)
    ]
    show(("rule", "jobs", "seconds", "longest", "peak MiB"), by_rule(jobs))
    most = max(jobs, key=lambda job: job.mib)
    return [
        at_most(f"make paper_tables, {asked.cores} cores", seconds, BUILD_SECONDS),
        Measure(
            f"peak memory of a job ({most.name})",
            f"{most.mib:.0f} MiB",
            f"at most {JOB_MIB}",
            0 < most.mib <= JOB_MIB,
        ),
    ]


def undisturbed(folder: Path, asked: argparse.Namespace) -> tuple[Path, float]:
    """Returns a clean clone that was built with nothing done to it, and its seconds; a kept one is taken."""
    checkout, kept = folder / "build", folder / "build.seconds"
    if not kept.exists():
        cloned(checkout, asked.scale)
        command, log = paper_tables(asked.cores), folder / "build.log"
        kept.write_text(str(timed(command, checkout, environment_of(checkout), log)))
    elif told("git", "-C", str(checkout), "rev-parse", "HEAD") != told("git", "rev-parse", "HEAD"):
        sys.exit(f"{checkout} was built from another commit. Remove {folder}, or --keep clones elsewhere.")
    return checkout, float(kept.read_text())


def twice(folder: Path, asked: argparse.Namespace) -> list[Measure]:
    """Builds in two clean clones, one job and several jobs at a time, and compares the tables' bytes."""
    whole, _ = undisturbed(folder, asked)
    checkout = cloned(folder / "one-job", asked.scale)
    timed(paper_tables(1), checkout, environment_of(checkout), folder / "one-job.log")
    tables = [digests(place / "paper_tables" / asked.scale) for place in (checkout, whole)]
    return compared(f"one job or {asked.cores} at a time", *tables)


def kill(folder: Path, asked: argparse.Namespace) -> list[Measure]:
    """Kills a build three times at random moments, lets it finish, and compares it with an undisturbed one."""
    whole, seconds = undisturbed(folder, asked)
    command = paper_tables(asked.cores)
    checkout, chance = cloned(folder / "killed", asked.scale), random.Random(asked.seed)
    # Three parts of less than a third each: no part can come to the end before it is killed.
    moments = [chance.uniform(0.05, 0.9) * seconds / KILLS for _ in range(KILLS)]
    measures = []
    for number, moment in enumerate(moments, start=1):
        alive = killed(command, checkout, moment, folder / f"killed-{number}.log")
        done = sum(1 for _ in (checkout / "checkpoints").rglob("config.json"))
        what = f"kill {number}, after {moment:.0f} s ({done} checkpoints whole)"
        measures.append(Measure(what, "at work" if alive else "had ended", "at work", alive))
    timed(command, checkout, environment_of(checkout), folder / "resumed.log")
    tables = [digests(place / "paper_tables" / asked.scale) for place in (whole, checkout)]
    return [*measures, *compared("undisturbed or killed", *tables)]


def nothing(folder: Path, asked: argparse.Namespace) -> list[Measure]:
    """Starts a finished build again."""
    checkout = asked.checkout.resolve()
    command = [str(SNAKEMAKE), "paper_tables", "--cores", str(asked.cores)]
    command += ["--config", f"scale={asked.scale}"]
    log, environment = folder / "nothing.log", environment_of(checkout)
    timed([*command, "--dry-run"], checkout, environment, log)
    if "Nothing to be done" not in log.read_text():
        sys.exit(
            f"{checkout} has something to do: build it first (make paper_tables), or name another --checkout."
        )
    return [
        at_most(
            "snakemake paper_tables, nothing changed",
            timed(command, checkout, environment, log),
            NOTHING_SECONDS,
        )
    ]


VERBS = {"install": install, "build": build, "twice": twice, "kill": kill, "nothing": nothing}


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def compared(what: str, first: dict[str, str], second: dict[str, str]) -> list[Measure]:
    names = sorted(first.keys() | second.keys())
    show(("file", "sha256"), [(name, first.get(name, "absent")) for name in names])
    differing = [name for name in names if first.get(name) != second.get(name)]
    value = f"{', '.join(differing)} differ" if differing else f"{len(names)} files the same"
    return [Measure(f"bytes of paper_tables, {what}", value, "the same", bool(names) and not differing)]


def read_jobs(checkout: Path, file: Path) -> Iterator[Job]:
    """Returns what a job measured of itself."""
    name = str(file.relative_to(checkout / "benchmarks").with_suffix(""))
    with file.open() as stream:
        for row in csv.DictReader(stream, delimiter="\t"):
            yield Job(name.split("/")[1], name, float(row["s"]), float(row["max_rss"]))


def by_rule(jobs: Sequence[Job]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for rule, number in Counter(job.rule for job in jobs).items():
        own = [job for job in jobs if job.rule == rule]
        seconds = [job.seconds for job in own]
        peak = max(job.mib for job in own)
        rows.append((rule, str(number), f"{sum(seconds):.0f}", f"{max(seconds):.0f}", f"{peak:.0f}"))
    return rows


def at_most(what: str, seconds: float, most: float) -> Measure:
    return Measure(what, f"{seconds:.1f} s", f"at most {most:.0f} s", seconds <= most)


def word(kept: bool) -> str:
    return "kept" if kept else "MISSED"


def show(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    print()
    for row in (heads, tuple("-" * width for width in widths), *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(flush=True)


if __name__ == "__main__":
    sys.exit(main())
