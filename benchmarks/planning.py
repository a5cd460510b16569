"""Measures how long Snakemake plans: the paper scale's whole graph, and a study of 1,000 tokenizers.

python3 benchmarks/planning.py [--tokenizers 1000]

Plans with `snakemake -n` in a clean clone of the last commit; weights and official files are empty stand-ins, as a
plan reads none of them. Fails if a target is missed.
"""

import argparse
import re
import resource
import sys
import tempfile
from pathlib import Path

import yaml
from clones import cloned, environment_of, timed

PAPER_SECONDS = 15
SYNTHETIC_SECONDS = 60
SEEDS = 5


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokenizers", type=int, default=1000, help="of the synthetic study")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vistok-") as folder:
        checkout = cloned(Path(folder) / "checkout", "paper")
        stand_in_weights(checkout)
        kept = [plan(checkout, "the paper scale", PAPER_SECONDS)]
        grow(checkout, asked.tokenizers)
        kept.append(plan(checkout, f"{asked.tokenizers} more tokenizers", SYNTHETIC_SECONDS))
    return 0 if all(kept) else 1


def plan(checkout: Path, what: str, most: float) -> bool:
    """Plans all tables, prints jobs and seconds, and returns whether the target is kept."""
    log = checkout / "plan.log"
    command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules", "--", "paper_tables"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = timed(command, checkout, environment_of(checkout), log)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = re.findall(r"^total +(\d+)", log.read_text(), re.MULTILINE)
    word = "kept" if seconds <= most else "MISSED"
    print(
        f"{what}: {found[-1]} jobs, {seconds:.1f} s, {cpu:.1f} s of it computing (at most {most:.0f} s: {word})",
        flush=True,
    )
    return seconds <= most


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
    """Adds tokenizers, each with two recipes and five seeds: 30 jobs a tokenizer."""
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
