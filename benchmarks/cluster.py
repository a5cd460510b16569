"""A study built on a real Slurm of this machine (lab.sh), and the faults that clusters have, done to it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUN = "clip/tuned/vicuna-7b/seed-0"
STATE = f"state/smoke/mllms/{RUN}/state.safetensors"
# All of a run in one submission, as it takes seconds at smoke; larger scales train in one of their own.
GROUPS = (
    "tune_mllm=run",
    "train_llm=llm",
    "tabulate=tables",
    "draw_curves=tables",
)
# A study from nothing takes over five minutes where the rest of the suite runs beside it.
_PATIENCE = 900


def missing() -> str | None:
    """Returns why this machine cannot start the Slurm of lab.sh, if it cannot."""
    absent = [name for name in ("slurmctld", "slurmd", "munged", "sbatch") if not shutil.which(name)]
    if absent:
        return f"Slurm is not installed: no {', '.join(absent)} (Debian: slurm-wlm munge)"
    return None if os.geteuid() == 0 else "only root can start Slurm's daemons"


def lab(*arguments: str | Path) -> None:
    """Runs lab.sh, such as `start FOLDER`."""
    done = subprocess.run(
        [HERE / "lab.sh", *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise RuntimeError(f"lab.sh {arguments[0]} failed:\n{done.stdout}{done.stderr}")


@contextmanager
def started(folder: Path) -> Iterator[Path]:
    """Has a Slurm whose files lie in a folder."""
    lab("start", folder)
    try:
        yield folder
    finally:
        lab("stop", folder)


def told(*command: str) -> str:
    """Returns what a command of Slurm says."""
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def wait(until: Callable[[], object], what: str, seconds: float = _PATIENCE) -> None:
    """Waits until something is so."""
    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.1)


class Build:
    """One start of the study in a checkout, submitted to Slurm; it is of the smoke scale."""

    def __init__(self, checkout: Path, log: Path, target: str = "paper_tables", gpus: int = 1) -> None:
        self.checkout, self.log = checkout, log
        snakemake = [sys.executable, str(HERE / "snakemake_polling.py"), target]
        profile = ["--workflow-profile", "workflow/profiles/slurm"]
        quick = ["--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5"]
        with log.open("w") as stream:
            self.process = subprocess.Popen(
                [
                    *snakemake,
                    *profile,
                    *quick,
                    "--groups",
                    *GROUPS,
                    "--resources",
                    f"gpu={gpus}",
                    "--config",
                    "scale=smoke",
                ],
                cwd=checkout,
                env={**os.environ, "PYTHONPATH": str(checkout / "src")},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def end(self, status: int = 0) -> str:
        """Waits for the end, which has to have this status; returns what was said."""
        try:
            result = self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            result = None
        said = self.said()
        if result != status:
            raise AssertionError(f"ended with {result}, not {status}:\n{said}\n{self.job_logs()}")
        return said

    def said(self) -> str:
        return self.log.read_text()

    def job_logs(self) -> str:
        """Returns what Slurm kept of the jobs that failed."""
        logs = sorted((self.checkout / ".snakemake/slurm_logs").rglob("*.log"))
        return "\n".join(f"{log}:\n{log.read_text()[-3000:]}" for log in logs)

    def kill(self) -> None:
        """Kills the controller, as a crash of its machine does; its jobs live on."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def training(self) -> str:
        """Waits until the run's training saves its state anew, and returns the id of its job."""
        state = self.checkout / STATE
        before = state.stat().st_mtime_ns if state.is_file() else 0

        def saved() -> bool:
            if self.process.poll() is not None:
                raise AssertionError(f"ended before any training:\n{self.said()}\n{self.job_logs()}")
            with suppress(FileNotFoundError):
                return state.stat().st_mtime_ns != before
            return False

        wait(saved, "a saved state")
        (job,) = jobs(self.checkout)
        return job


def jobs(checkout: Path, states: str = "RUNNING") -> list[str]:
    """Returns the ids of this checkout's jobs that run, or are in other states."""
    lines = told("squeue", "--noheader", f"--states={states}", "--format=%A|%Z").splitlines()
    return [job for job, folder in (line.split("|") for line in lines) if Path(folder) == checkout.resolve()]


def idle(checkout: Path) -> None:
    """Waits until Slurm has no job of this checkout any more."""
    wait(lambda: not jobs(checkout, "PENDING,RUNNING,COMPLETING,REQUEUED"), "the end of all jobs")


def ask_to_stop(job: str) -> None:
    """Sends what `--signal` of the profile sends ahead of the time limit: SIGTERM to the steps of a job."""
    told("scancel", "--signal=TERM", job)
    _gone(job)


def shorten(job: str) -> None:
    """Leaves a running job less time than the profile's `--signal` wants before the limit."""
    told("scontrol", "update", f"JobId={job}", "TimeLimit=2")
    _gone(job)


def cancel(job: str) -> None:
    told("scancel", job)
    _gone(job)


def preempt(job: str) -> None:
    """Takes a job's node away and puts it back into the queue, as preemption does, without Slurm's pause."""
    told("scontrol", "requeue", job)
    wait(lambda: state(job) == "PENDING", "the requeue")
    # Not at once: what starts in the second of a requeue is taken for what was requeued, and refused.
    told("scontrol", "update", f"JobId={job}", "StartTime=now+2")


def node_of(job: str) -> str:
    return told("squeue", "--noheader", "--format=%N", f"--jobs={job}")


def state(job: str) -> str:
    return told("squeue", "--noheader", "--states=all", "--format=%T", f"--jobs={job}")


def _gone(job: str) -> None:
    wait(lambda: state(job) not in ("RUNNING", "COMPLETING", "PENDING"), f"the end of job {job}")
