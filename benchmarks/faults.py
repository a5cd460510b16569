"""Measures the study on a real Slurm of this machine: what faults cost, and what scheduling costs.

.venv/bin/python benchmarks/faults.py                    every fault, one after the other
.venv/bin/python benchmarks/faults.py preempted node     some of them
.venv/bin/python benchmarks/faults.py overhead           the smoke study on Slurm against the same study run locally

Needs root, the Debian packages slurm-wlm and munge, and a machine without another Slurm. Works in clean clones of the
last commit, at the smoke scale. A fault hits one run in the middle of its training, which is made longer for that; the
command fails if any table then differs by a byte from that of an undisturbed build.
"""

import argparse
import hashlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cluster
import yaml
from clones import cloned, environment_of, timed
from cluster import RUN, STATE, Build
from safetensors import safe_open

STEPS = 800
TOO_LITTLE_MB = 500
OVERHEAD = "overhead"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", choices=[[], OVERHEAD, *FAULTS], default=[])
    asked = parser.parse_args().what or list(FAULTS)
    if reason := cluster.missing():
        sys.exit(f"No Slurm to measure: {reason}.")
    with (
        tempfile.TemporaryDirectory(prefix="vistok-") as folder,
        cluster.started(Path(folder) / "lab") as daemons,
    ):
        kept = overhead(Path(folder)) if OVERHEAD in asked else True
        faults = [name for name in asked if name in FAULTS]
        return 0 if (not faults or measure(Path(folder), daemons, faults)) and kept else 1


def measure(folder: Path, daemons: Path, faults: list[str]) -> bool:
    """Builds undisturbed, then once a fault; prints what each cost and returns whether all tables are the same."""
    checkout = cloned(folder / "faults", "smoke")
    change(
        checkout / "workflow/scales/smoke.yaml", lambda scale: scale["recipes"].update(tuned={"steps": STEPS})
    )
    locally(checkout, folder / "undisturbed.log")
    expected, kept = tables(checkout), []
    print("| fault | steps lost | s to go on | s in all | tables |\n|---|---|---|---|---|", flush=True)
    for name in faults:
        remove_run(checkout)
        started = time.monotonic()
        lost, seconds = FAULTS[name](checkout, daemons, folder / f"{name}.log")
        kept.append(tables(checkout) == expected)
        word = "same bytes" if kept[-1] else "DIFFER"
        print(f"| {name} | {lost} | {seconds:.0f} | {time.monotonic() - started:.0f} | {word} |", flush=True)
    return all(kept)


Cost = tuple[int, float]


def hit(do: Callable[[str], object]) -> Callable[[Path, Path, Path], Cost]:
    """Returns the fault that does something to the job of a training, which the same controller survives."""

    def fault(checkout: Path, daemons: Path, log: Path) -> Cost:
        build = Build(checkout, log)
        job = build.training()
        done, started = step_of(checkout), time.monotonic()
        do(job)
        cost = gone_on(build, done, started)
        build.end()
        return cost

    return fault


def lost_node(checkout: Path, daemons: Path, log: Path) -> Cost:
    """Crashes the node of a training; it comes back when the study is built."""
    build = Build(checkout, log)
    node = cluster.node_of(build.training())
    done, started = step_of(checkout), time.monotonic()
    cluster.lab("crash", daemons, node)
    cost = gone_on(build, done, started)
    build.end()
    cluster.lab("node", daemons, node)
    return cost


def little_memory(checkout: Path, daemons: Path, log: Path) -> Cost:
    """Asks for less memory than the jobs need; the time counts from the first submission."""
    scale = checkout / "workflow/scales/smoke.yaml"
    before = scale.read_text()
    change(scale, lambda value: value.update(resources={"all": {"memory_mb": TOO_LITTLE_MB, "minutes": 10}}))
    started = time.monotonic()
    build = Build(checkout, log)
    build.training()
    seconds = time.monotonic() - started
    said = build.end()
    scale.write_text(before)
    if "Trying to restart job" not in said:
        raise AssertionError(f"{TOO_LITTLE_MB} MB were enough:\n{said}")
    return 0, seconds


def killed_controller(checkout: Path, daemons: Path, log: Path) -> Cost:
    """Kills snakemake; its jobs end by themselves before it may start again."""
    build = Build(checkout, log)
    build.training()
    build.kill()
    started = time.monotonic()
    Build(checkout, log).end(1)
    refused = time.monotonic() - started
    cluster.idle(checkout)
    Build(checkout, log).end()
    return 0, refused


def gone_on(build: Build, done: int, started: float) -> Cost:
    """Waits until the training saves anew; returns the steps that it took twice, and the seconds since the fault."""
    first = step_of(build.checkout)
    build.training()
    return max(0, done - first), time.monotonic() - started


FAULTS: dict[str, Callable[[Path, Path, Path], Cost]] = {
    "told-to-stop": hit(cluster.ask_to_stop),
    "time-limit": hit(cluster.shorten),
    "cancelled": hit(cluster.cancel),
    "preempted": hit(cluster.preempt),
    "node": lost_node,
    "memory": little_memory,
    "controller": killed_controller,
}


def overhead(folder: Path) -> bool:
    """Builds the smoke study locally and on Slurm, and prints the ratio of their times."""
    here, there = (cloned(folder / name, "smoke") for name in ("local", "slurm"))
    local = locally(here, folder / "local.log")
    started = time.monotonic()
    Build(there, folder / "slurm.log").end()
    slurm = time.monotonic() - started
    same = tables(here) == tables(there)
    print(
        f"smoke study: {local:.0f} s locally, {slurm:.0f} s on Slurm, ratio {slurm / local:.2f}", flush=True
    )
    print("tables: the same bytes" if same else "tables: DIFFER", flush=True)
    return same


def locally(checkout: Path, log: Path) -> float:
    command = [sys.executable, "-m", "snakemake", "paper_tables", "--cores", "2"]
    return timed(command, checkout, environment_of(checkout), log)


def tables(checkout: Path) -> dict[str, str]:
    files = sorted((checkout / "paper_tables/smoke").iterdir())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def remove_run(checkout: Path) -> None:
    for folder in (f"checkpoints/smoke/mllms/{RUN}", f"results/smoke/{RUN}", "paper_tables/smoke"):
        shutil.rmtree(checkout / folder, ignore_errors=True)


def step_of(checkout: Path) -> int:
    """Returns the step at which the run's training goes on."""
    with safe_open(checkout / STATE, "pt") as saved:
        return int(saved.metadata()["step"])


def change(file: Path, edit: Callable[[dict], object]) -> None:
    value = yaml.safe_load(file.read_text())
    edit(value)
    file.write_text(yaml.safe_dump(value, sort_keys=False))


if __name__ == "__main__":
    sys.exit(main())
