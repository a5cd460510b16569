"""Compares what a build took with what `vistok plan` says of it, by step.

.venv/bin/python benchmarks/planned.py [--checkout FOLDER] [--scale mini] [--out FILE.json]

Reads the files in which Snakemake noted the seconds of each job, and plans the same jobs with the code and the grid of
this checkout. Seconds are the wall's: Snakemake samples the processor's at pauses that grow, and loses the last half
minute of a job. Compare on a machine that does nothing else. Fails if a step that takes over a hundredth of the whole
is further off than 30 %.
"""

import argparse
import csv
import json
import os
import sys
from pathlib import Path
from typing import Any

from clones import ROOT, about, told

from vistok.grid.load import load_study
from vistok.grid.steps import STEPS
from vistok.planning.costs import cost_of
from vistok.planning.jobs import starting
from vistok.planning.plan import Rates

OFF, SMALL = 0.3, 0.01


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkout", type=Path, default=ROOT, help="that was built")
    parser.add_argument("--scale", default="mini")
    parser.add_argument("--out", type=Path, help="a JSON file for what is compared")
    args = parser.parse_args()
    os.chdir(ROOT)
    steps = compared(args.scale, args.checkout)
    whole = sum(step["measured"] for step in steps.values())
    print(f"{'step':20}{'jobs':>6}{'planned':>10}{'measured':>10}{'ratio':>8}")
    for name, step in steps.items():
        print(
            f"{name:20}{step['jobs']:>6}{step['planned']:>10.0f}{step['measured']:>10.0f}{step['ratio']:>8.2f}"
        )
    large = {name: step["ratio"] for name, step in steps.items() if step["measured"] > SMALL * whole}
    planned = sum(step["planned"] for step in steps.values())
    print(f"{'all':26}{planned:>10.0f}{whole:>10.0f}{planned / whole:>8.2f}")
    off = [name for name, ratio in large.items() if abs(ratio - 1) > OFF]
    if args.out:
        report = about() | {
            "command": f"python3 benchmarks/planned.py --checkout FOLDER --scale {args.scale}",
            "built_at": told("git", "-C", str(args.checkout), "rev-parse", "HEAD"),
            "scale": args.scale,
            "steps": steps,
            "ratio": round(planned / whole, 3),
            "off": off,
        }
        args.out.write_text(json.dumps(report, indent=1) + "\n")
    return 1 if off else 0


def compared(scale: str, checkout: Path) -> dict[str, dict[str, Any]]:
    """Returns, by step, the jobs that were timed, and their planned and measured seconds."""
    study, rates = load_study(scale), Rates()
    found: dict[str, dict[str, Any]] = {}
    for step in STEPS.values():
        for ids in step.jobs(study, study.runs()):
            timed = checkout / step.benchmark(study, *ids)
            if timed.is_file():
                entry = found.setdefault(step.id, {"jobs": 0, "planned": 0.0, "measured": 0.0})
                entry["jobs"] += 1
                entry["planned"] += starting(step.id) + rates.seconds(cost_of(study, step.id, *ids), 0)
                entry["measured"] += _seconds(timed)
    for entry in found.values():
        entry |= {"ratio": entry["planned"] / entry["measured"]}
        entry |= {name: round(entry[name], 2) for name in ("planned", "measured", "ratio")}
    return found


def _seconds(file: Path) -> float:
    (row,) = csv.DictReader(file.read_text().splitlines(), delimiter="\t")
    return float(row["s"])


if __name__ == "__main__":
    sys.exit(main())
