"""Stops trainings that have data-loader workers at random moments, as a cluster does, and has them go on.

.venv/bin/python benchmarks/stops.py              20 stops of a training with two workers
.venv/bin/python benchmarks/stops.py --times 5 --workers 0 --signal HUP
.venv/bin/python benchmarks/stops.py --slurm      the same as jobs of a real Slurm of this machine (lab.sh), by scancel

Every process of the job gets the signal. The command fails unless each training saved its state, went on from there and
ended in the bytes of one that was left alone. One that was done before its moment came is no stop: another is started.
"""

import argparse
import hashlib
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cluster
import yaml
from clones import ENVIRONMENT, about, cloned, environment_of, timed

RUN = "deit/frozen/vicuna-7b/seed-0"
CHECKPOINT = Path("checkpoints/smoke/mllms") / RUN
STATE = Path("state/smoke/mllms") / RUN
TUNE = ["tune-mllm", RUN, "--scale", "smoke"]
_TRIES = 3


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--steps", type=int, default=200, help="of the training; it is stopped behind step 20"
    )
    parser.add_argument("--signal", choices=("TERM", "HUP"), default="TERM")
    parser.add_argument("--checkout", type=Path, help="a clone to work in, with what is built there")
    parser.add_argument("--slurm", action="store_true", help="needs root, slurm-wlm and munge")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--out", type=Path, help="a JSON file for what is measured")
    args = parser.parse_args()
    if args.slurm and (reason := cluster.missing()):
        sys.exit(f"No Slurm to measure: {reason}.")
    with tempfile.TemporaryDirectory(prefix="vistok-") as folder:
        checkout = args.checkout or cloned(Path(folder) / "stops", "smoke")
        with cluster.started(Path(folder) / "lab") if args.slurm else nullcontext():
            start = submitted if args.slurm else started
            stops = measure(checkout, Path(folder), args, start)
    kept = sum(bool(stop["saved"] and stop["went_on"] and stop["same_bytes"]) for stop in stops)
    print(f"{kept} of {args.times} saved, went on and ended in the same bytes")
    if args.out:
        args.out.write_text(
            json.dumps(about() | {"kept": kept, "of": args.times, "stops": stops}, indent=1) + "\n"
        )
    return int(kept < args.times)


def measure(
    checkout: Path, logs: Path, args: argparse.Namespace, start: Callable[[Path], "Job"]
) -> list[dict[str, object]]:
    """Stops a training as often as asked for; prints and returns a line per stop."""
    change_scale(checkout / "workflow/scales/smoke.yaml", args.steps, args.workers)
    parts = [
        "checkpoints/smoke/tokenizers/deit/seed-0",
        "checkpoints/smoke/llms/vicuna-7b",
        "shards/smoke/objects365",
    ]
    snakemake = [sys.executable, "-m", "snakemake", *parts, "--cores", "2", "--config", "scale=smoke"]
    timed(snakemake, checkout, environment_of(checkout), logs / "parts.log")
    expected, seconds = undisturbed(checkout, start)
    rng = random.Random(args.seed)
    stops: list[dict[str, object]] = []
    for _ in range(_TRIES * args.times):
        if len(stops) == args.times:
            break
        wait = rng.uniform(0, 0.8 * seconds)
        at_work, lines = stopped(checkout, wait, signal.Signals[f"SIG{args.signal}"], start)
        if not at_work:
            print(f"done before {wait:.1f} s", flush=True)
            continue
        again = finished(checkout, start)
        stop: dict[str, object] = {
            "seconds_after_step_20": round(wait, 2),
            "saved": next((line for line in lines if "stopped at step" in line), None),
            "went_on": next((line for line in again if "goes on from step" in line), None),
            "same_bytes": digest(checkout) == expected,
        }
        stops.append(stop)
        print(f"{len(stops)}: {stop}{'' if stop['saved'] else lines[-1:]}", flush=True)
    return stops


def change_scale(file: Path, steps: int, workers: int) -> None:
    scale = yaml.safe_load(file.read_text())
    scale["save_every"] = 10**6
    scale["recipes"]["all"]["steps"] = steps
    scale["resources"] = {"tune-mllm": {"cpus": workers + 1}}
    file.write_text(yaml.safe_dump(scale, sort_keys=False))


@dataclass
class Job:
    """A training at work: its lines as they come, and what ends it and waits for it."""

    lines: Iterator[str]
    at_work: Callable[[], bool]
    send: Callable[[signal.Signals], object]
    end: Callable[[], int]


def started(checkout: Path) -> Job:
    job = subprocess.Popen(
        [ENVIRONMENT / "bin/vistok", *TUNE],
        cwd=checkout,
        env=environment_of(checkout),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert job.stderr is not None
    return Job(
        iter(job.stderr), lambda: job.poll() is None, lambda number: os.killpg(job.pid, number), job.wait
    )


def submitted(checkout: Path) -> Job:
    """As a job of Slurm, whose step runs the training."""
    log = checkout / "stops.log"
    log.unlink(missing_ok=True)
    training = shlex.join(["srun", str(ENVIRONMENT / "bin/vistok"), *TUNE])
    command = [
        "sbatch",
        "--parsable",
        "--cpus-per-task=2",
        "--mem=3000",
        f"--output={log}",
        "--open-mode=append",
    ]
    done = subprocess.run(
        [*command, f"--wrap=exec {training}"],
        cwd=checkout,
        env=environment_of(checkout),
        capture_output=True,
        text=True,
        check=True,
    )
    number = done.stdout.strip()
    send = lambda sent: cluster.told("scancel", f"--signal={sent.name.removeprefix('SIG')}", number)  # noqa: E731
    at_work = lambda: cluster.state(number) == "RUNNING"  # noqa: E731
    return Job(_tail(log, number), at_work, send, lambda: int(cluster.state(number) != "COMPLETED"))


def _tail(log: Path, number: str) -> Iterator[str]:
    """Yields the lines of a job's log until the job has ended."""
    rest = ""
    while True:
        gone = cluster.state(number) not in ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING")
        text = log.read_text() if log.is_file() else ""
        yield from text[len(rest) : text.rfind("\n") + 1].splitlines()
        rest = text[: text.rfind("\n") + 1]
        if gone:
            return
        time.sleep(0.05)


def forget(checkout: Path) -> None:
    for folder in (CHECKPOINT, STATE):
        shutil.rmtree(checkout / folder, ignore_errors=True)


def undisturbed(checkout: Path, start: Callable[[Path], Job]) -> tuple[str, float]:
    """Returns the digest of what a training makes that is left alone, and its seconds from step 20 on."""
    forget(checkout)
    job = start(checkout)
    times = [time.monotonic() for line in job.lines if ": step " in line]
    if job.end():
        sys.exit("a training that was left alone failed")
    return digest(checkout), times[-1] - times[0]


def stopped(
    checkout: Path, wait: float, number: signal.Signals, start: Callable[[Path], Job]
) -> tuple[bool, list[str]]:
    """Stops all processes of a new training behind its first line; returns whether they were at work, and its lines."""
    forget(checkout)
    job = start(checkout)
    first = list(islice((each for each in job.lines if ": step " in each), 1))
    time.sleep(wait)
    if at_work := job.at_work():
        job.send(number)
    lines = [*first, *job.lines]
    job.end()
    return at_work, lines


def finished(checkout: Path, start: Callable[[Path], Job]) -> list[str]:
    job = start(checkout)
    lines = list(job.lines)
    job.end()
    return lines


def digest(checkout: Path) -> str:
    whole = hashlib.sha256()
    for name in ("model.safetensors", "curves.csv"):
        file = checkout / CHECKPOINT / name
        whole.update(file.read_bytes() if file.is_file() else b"none")
    return whole.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
