"""What a build took, by step: from what each job measured of itself."""

import csv
from pathlib import Path
from typing import Any

from vistok.grid.steps import STEPS
from vistok.grid.study import Study


def seconds_of(study: Study, root: Path = Path()) -> dict[str, dict[str, Any]]:
    """Returns the jobs, seconds, processor seconds and greatest memory (MiB) of each rule that has been timed."""
    by_step: dict[str, dict[str, Any]] = {}
    for step in STEPS.values():
        folder = root / "benchmarks" / step.whose(study).results_id
        files = [*folder.glob(f"{step.rule_name}.tsv"), *(folder / step.rule_name).rglob("*.tsv")]
        jobs = [row for file in sorted(files) for row in _rows(file)]
        if jobs:
            by_step[step.id] = {
                "jobs": len(jobs),
                "seconds": round(sum(float(row["s"]) for row in jobs), 1),
                "processor_seconds": round(sum(float(row["cpu_time"]) for row in jobs), 1),
                "memory_mib": round(max(float(row["max_rss"]) for row in jobs)),
            }
    return by_step


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text, delimiter="\t"))
