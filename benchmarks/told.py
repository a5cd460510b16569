"""Checks what a build tells while it is at work: how many lines, how wide, and whether the time left was right.

make paper_tables 2>&1 | python3 benchmarks/told.py --out benchmarks/results/told-DATE.json

Passes every line on, and notes when it came. Behind the first third of the build each "about ... left" is compared with
what was then left; those of the last `--last` seconds are not, for no line is more exact than ten seconds. The command
fails if a target is missed.
"""

import argparse
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from clones import about

WIDTH: Final = 160
LINES_OF_A_JOB: Final = 2
OTHER_LINES: Final = 20
WRONG: Final = 0.3

_JOB: Final = re.compile(r"\[ *\d+/(?P<jobs>\d+)\]  (?P<name>.+?)(?:, [\d.]+ (?:s|min)\b| has started: )")
_LEFT: Final = re.compile(r"; about ([\d.]+) (s|min|h) left$")
_SECONDS: Final = {"s": 1.0, "min": 60.0, "h": 3600.0}

Line = tuple[float, str]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--last", type=float, default=20.0, help="seconds at the end that are not compared")
    parser.add_argument("--out", type=Path, help="a JSON file for what is measured")
    args = parser.parse_args()
    lines = []
    for line in sys.stdin:
        lines.append((time.monotonic(), line.rstrip("\n")))
        print(line, end="", flush=True)
    result = measured(lines, time.monotonic(), args.last)
    kept = targets(result)
    for target, is_kept in kept.items():
        print(f"{target}: {'kept' if is_kept else 'MISSED'}", file=sys.stderr)
    print(json.dumps(result), file=sys.stderr)
    if args.out:
        args.out.write_text(json.dumps(about() | result | {"kept": kept}, indent=1) + "\n")
    return 0 if all(kept.values()) else 1


def measured(lines: Iterable[Line], end: float, last: float) -> dict[str, float]:
    """Returns the numbers of a build whose lines came at these times, in seconds; it ended at `end`."""
    lines = list(lines)
    start = lines[0][0] if lines else end
    of_jobs = Counter(job["name"] for _, line in lines if (job := _JOB.match(line)))
    wrong = [
        abs(left - (end - when)) / (end - when)
        for when, left in lefts(lines)
        if when > start + (end - start) / 3 and when < end - last
    ]
    return {
        "seconds": round(end - start, 1),
        "jobs": len(of_jobs),
        "most_lines_of_a_job": max(of_jobs.values(), default=0),
        "other_lines": len(lines) - sum(of_jobs.values()),
        "widest_line": max((len(line) for _, line in lines), default=0),
        "times_compared": len(wrong),
        "times_right": sum(each <= WRONG for each in wrong),
        "furthest_off": round(max(wrong, default=0.0), 3),
    }


def lefts(lines: Iterable[Line]) -> list[tuple[float, float]]:
    """Returns when each time left was told, and the seconds that it says."""
    return [
        (when, float(found[1]) * _SECONDS[found[2]]) for when, line in lines if (found := _LEFT.search(line))
    ]


def targets(found: dict[str, float]) -> dict[str, bool]:
    return {
        f"at most {LINES_OF_A_JOB} lines a job": found["most_lines_of_a_job"] <= LINES_OF_A_JOB,
        f"at most {OTHER_LINES} lines besides": found["other_lines"] <= OTHER_LINES,
        f"no line over {WIDTH} characters": found["widest_line"] <= WIDTH,
        f"time left within {WRONG:.0%} behind the first third": found["times_right"]
        == found["times_compared"],
    }


if __name__ == "__main__":
    sys.exit(main())
