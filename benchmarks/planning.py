"""Measures how long Snakemake plans: the paper scale without and with photographs, and 1,000 more tokenizers.

.venv/bin/python benchmarks/planning.py [--tokenizers 1000] [--photographs 150000] [--out FILE.json]

Plans with `snakemake -n` in a clean clone of the last commit; weights and official files are empty stand-ins, as a
plan reads none of them. Plans without and with photographs take turns, and the medians of their processor times are
compared: they mean something on a loaded machine too. Fails if a target is missed.
"""

import argparse
import json
import re
import resource
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import yaml
from clones import about, cloned, environment_of, timed

PAPER_SECONDS = 15
PAPER_CPU = 4
SLOWER = 1.2
SYNTHETIC_SECONDS = 60
SEEDS = 5
TURNS = 5
# Where tasks and image sets of the paper scale look for photographs.
FOLDERS = ("coco/val2014", "coco/val2017", "coco/train2017", "vcr/vcr1images", "objects365/train")


@dataclass(frozen=True)
class Plan:
    """What one `snakemake -n` took."""

    jobs: int
    seconds: float
    cpu: float


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokenizers", type=int, default=1000, help="of the synthetic study; 0: none")
    parser.add_argument("--photographs", type=int, default=150_000, help="empty ones, at the paper scale")
    parser.add_argument("--out", type=Path, help="a JSON file for what is measured")
    args = parser.parse_args()
    machine = about()
    with tempfile.TemporaryDirectory(prefix="vistok-") as folder:
        checkout = cloned(Path(folder) / "checkout", "paper")
        stand_in_weights(checkout)
        measured = photographs_and_none(checkout, args.photographs)
        if args.tokenizers:
            grow(checkout, args.tokenizers)
            measured["synthetic"] = [asdict(plan(checkout, f"{args.tokenizers} more tokenizers"))]
    kept = report(measured)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(machine | measured | {"kept": kept}, indent=1) + "\n")
    return 0 if all(kept.values()) else 1


def photographs_and_none(checkout: Path, photographs: int) -> dict[str, object]:
    """Plans the paper scale in turns: with no photographs, and with as many as are asked for."""
    without, with_them = [], []
    whole, kept = checkout / "data/paper", checkout / "data/kept"
    for number in range(photographs):
        file = whole / FOLDERS[number % len(FOLDERS)] / f"{number:012d}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    for _ in range(TURNS):
        with_them.append(plan(checkout, f"the paper scale, {photographs} photographs"))
        whole.rename(kept)
        stand_in_weights(checkout)
        without.append(plan(checkout, "the paper scale, no photographs"))
        shutil.rmtree(whole)
        kept.rename(whole)
    shutil.rmtree(whole)
    stand_in_weights(checkout)
    return {
        "photographs": photographs,
        "paper_without": [asdict(each) for each in without],
        "paper_with": [asdict(each) for each in with_them],
    }


def report(measured: dict[str, object]) -> dict[str, bool]:
    """Prints the medians beside their targets, and returns which are kept."""
    without, with_them = (
        {key: median(each[key] for each in measured[name]) for key in ("seconds", "cpu")}
        for name in ("paper_without", "paper_with")
    )
    kept = {
        f"paper scale within {PAPER_SECONDS} s": with_them["seconds"] <= PAPER_SECONDS,
        f"paper scale within {PAPER_CPU} s of CPU": with_them["cpu"] <= PAPER_CPU,
        "photographs cost at most a fifth": with_them["cpu"] <= SLOWER * without["cpu"],
    }
    if synthetic := measured.get("synthetic"):
        kept[f"synthetic within {SYNTHETIC_SECONDS} s"] = synthetic[0]["seconds"] <= SYNTHETIC_SECONDS
    print(f"medians: without photographs {without}, with {with_them}")
    for target, is_kept in kept.items():
        print(f"{target}: {'kept' if is_kept else 'MISSED'}")
    return kept


def plan(checkout: Path, what: str) -> Plan:
    """Plans all tables, and prints jobs and seconds."""
    log = checkout / "plan.log"
    command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules", "--", "paper_tables"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = timed(command, checkout, environment_of(checkout), log)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    result = Plan(int(re.findall(r"^total +(\d+)", log.read_text(), re.MULTILINE)[-1]), seconds, cpu)
    print(f"{what}: {result.jobs} jobs, {seconds:.1f} s, {cpu:.1f} s of it computing", flush=True)
    return result


def stand_in_weights(checkout: Path) -> None:
    """Makes the local weight files that the rules look for before they plan."""
    grid = yaml.safe_load((checkout / "workflow/grid/tokenizers.yaml").read_text())
    for entry in grid.values():
        weights = entry["encoder"]["weights"]
        if weights not in ("published", "random"):
            file = checkout / "data/paper" / weights
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()


def grow(checkout: Path, tokenizers: int) -> None:
    """Adds tokenizers, each with two recipes and five seeds: 30 jobs per tokenizer."""
    grid = checkout / "workflow/grid"
    known = yaml.safe_load((grid / "tokenizers.yaml").read_text())
    names = [f"clip-{number}" for number in range(tokenizers)]
    known |= dict.fromkeys(names, known["clip"])
    (grid / "tokenizers.yaml").write_text(yaml.dump(known, Dumper=yaml.SafeDumper))
    tables = yaml.safe_load((grid / "tables.yaml").read_text())
    tables["table-2"]["rows"] += [
        {"tokenizer": name, "recipe": recipe, "llm": "vicuna-7b", "seeds": list(range(SEEDS))}
        for name in names
        for recipe in ("frozen", "tuned")
    ]
    (grid / "tables.yaml").write_text(yaml.dump(tables, Dumper=yaml.SafeDumper))


if __name__ == "__main__":
    sys.exit(main())
