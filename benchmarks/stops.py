"""Stops trainings that have data-loader workers at random moments, as a cluster does, and has them go on.

python3 benchmarks/stops.py                     20 stops of a training with two workers
python3 benchmarks/stops.py --times 5 --workers 0 --signal HUP

Every process of the job gets the signal. The command fails unless each training saved its state, went on from there and
ended in the bytes of one that was left alone.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from clones import ENVIRONMENT, cloned, environment_of, timed

RUN = "deit/frozen/vicuna-7b/seed-0"
CHECKPOINT = Path("checkpoints/smoke/mllms") / RUN
STATE = Path("state/smoke/mllms") / RUN
STEPS = 200


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--signal", choices=("TERM", "HUP"), default="TERM")
    parser.add_argument("--checkout", type=Path, help="a clone to work in, with what is built there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vistok-") as folder:
        checkout = args.checkout or cloned(Path(folder) / "stops", "smoke")
        return measure(checkout, Path(folder), args.times, args.workers, signal.Signals[f"SIG{args.signal}"])


def measure(checkout: Path, logs: Path, times: int, workers: int, number: signal.Signals) -> int:
    """Prints one line per stop; returns how many of them lost something."""
    change_scale(checkout / "workflow/scales/smoke.yaml", workers)
    parts = [
        "checkpoints/smoke/tokenizers/deit/seed-0",
        "checkpoints/smoke/llms/vicuna-7b",
        "shards/smoke/objects365",
    ]
    snakemake = [sys.executable, "-m", "snakemake", *parts, "--cores", "2", "--config", "scale=smoke"]
    timed(snakemake, checkout, environment_of(checkout), logs / "parts.log")
    expected, seconds = undisturbed(checkout)
    rng, kept = random.Random(0), 0
    for place in range(times):
        wait = rng.uniform(0, 0.95 * seconds)
        lines = stopped(checkout, wait, number)
        saved = next((line for line in lines if "stopped at step" in line), None)
        again = finished(checkout)
        went_on = next((line for line in again if "goes on from step" in line), None)
        same = digest(checkout) == expected
        kept += bool(saved and went_on and same)
        print(
            f"{place + 1}: {wait:.2f} s after step 20: {saved or lines[-1:]}; {went_on}; "
            f"{'same bytes' if same else 'OTHER BYTES'}",
            flush=True,
        )
    print(f"{kept} of {times} saved, went on and ended in the same bytes ({workers} workers, {number.name})")
    return times - kept


def change_scale(file: Path, workers: int) -> None:
    scale = yaml.safe_load(file.read_text())
    scale["save_every"] = 10**6
    scale["recipes"]["all"]["steps"] = STEPS
    scale["resources"] = {"tune-mllm": {"cpus": workers + 1}}
    file.write_text(yaml.safe_dump(scale, sort_keys=False))


def start(checkout: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [ENVIRONMENT / "bin/vistok", "tune-mllm", RUN, "--scale", "smoke"],
        cwd=checkout,
        env=environment_of(checkout),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def forget(checkout: Path) -> None:
    for folder in (CHECKPOINT, STATE):
        shutil.rmtree(checkout / folder, ignore_errors=True)


def first_line(job: subprocess.Popen[str]) -> str:
    """Returns the line of step 20: the first that a training says."""
    assert job.stderr is not None
    return next((line for line in job.stderr if ": step " in line), "")


def undisturbed(checkout: Path) -> tuple[str, float]:
    """Returns the digest of what a training makes that is left alone, and its seconds from step 20 on."""
    forget(checkout)
    job = start(checkout)
    first_line(job)
    started, last = time.monotonic(), time.monotonic()
    assert job.stderr is not None
    for line in job.stderr:
        if ": step " in line:
            last = time.monotonic()
    if job.wait():
        sys.exit("a training that was left alone failed")
    return digest(checkout), last - started


def stopped(checkout: Path, wait: float, number: signal.Signals) -> list[str]:
    """Starts a training and stops all its processes; returns its lines."""
    forget(checkout)
    job = start(checkout)
    first_line(job)
    time.sleep(wait)
    os.killpg(job.pid, number)
    return job.communicate(timeout=120)[1].splitlines()


def finished(checkout: Path) -> list[str]:
    job = start(checkout)
    return job.communicate(timeout=600)[1].splitlines()


def digest(checkout: Path) -> str:
    whole = hashlib.sha256()
    for name in ("model.safetensors", "curves.csv"):
        file = checkout / CHECKPOINT / name
        whole.update(file.read_bytes() if file.is_file() else b"none")
    return whole.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
