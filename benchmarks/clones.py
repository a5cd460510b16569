"""Clean clones of this checkout, and commands that are run, timed or killed in them."""

import os
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".venv"
SNAKEMAKE = ENVIRONMENT / "bin/snakemake"
_LAST = 3000


def told(*command: str) -> str:
    """Returns what a command says in this checkout."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def about() -> dict[str, object]:
    """Returns what a number must carry: date, commit, command and machine."""
    (model, *_) = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()) or ["?"]
    return {
        "date": time.strftime("%Y-%m-%d"),
        "commit": told("git", "rev-parse", "HEAD"),
        "command": " ".join(["python3", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
        "processor": model,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }


def cloned(to: Path, scale: str) -> Path:
    """Clones the last commit; its study is of the scale that is asked for."""
    if to.exists():
        sys.exit(
            f"{to} is there already, and a clean clone is needed. Remove it, or --keep clones elsewhere."
        )
    told("git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(to))
    config = to / "workflow/config.yaml"
    config.write_text(config.read_text().replace("scale: mini", f"scale: {scale}"))
    return to


def paper_tables(cores: int) -> list[str]:
    """Returns the command of the README, with this checkout's environment taken for installed."""
    if not SNAKEMAKE.exists():
        sys.exit("This checkout has no environment. Make it: make .venv/installed.")
    venv = str(ENVIRONMENT)
    return ["make", f"--assume-old={venv}/installed", f"VENV={venv}", f"CORES={cores}", "paper_tables"]


def environment_of(checkout: Path) -> dict[str, str]:
    """Returns the variables with which this checkout's environment runs a clone's code."""
    return {**os.environ, "PYTHONPATH": str(checkout / "src")}


def timed(command: list[str], checkout: Path, environment: dict[str, str], log: Path) -> float:
    """Returns the seconds that a command takes; stops everything with the end of its log if it fails."""
    started = time.monotonic()
    with log.open("w") as stream:
        status = subprocess.run(
            command, cwd=checkout, env=environment, stdout=stream, stderr=subprocess.STDOUT, check=False
        ).returncode
    if status:
        sys.exit(f"{' '.join(command)} failed with {status}:\n{log.read_text()[-_LAST:]}")
    return time.monotonic() - started


def killed(command: list[str], checkout: Path, seconds: float, log: Path) -> bool:
    """Kills a command and all that it started after some seconds; returns whether it was still at work."""
    with log.open("w") as stream:
        job = subprocess.Popen(
            command,
            cwd=checkout,
            env=environment_of(checkout),
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            job.wait(seconds)
        except subprocess.TimeoutExpired:
            # Until none is left: what is being killed may start another.
            while running := list(_of_session(job.pid)):
                for process in running:
                    with suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
            job.wait()
            return True
    return False


def _of_session(leader: int) -> Iterator[int]:
    """Yields the living processes of a session, those in process groups of their own among them."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, _, _, session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state != "Z":
                yield int(folder.name)
