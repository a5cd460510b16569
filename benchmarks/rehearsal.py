"""A dress rehearsal of the paper scale on stand-ins of all official files: Tables 2 to 8, from data root to pages.

.venv/bin/python benchmarks/rehearsal.py              locally, each rule stopped once; then `dvc repro` of a run
.venv/bin/python benchmarks/rehearsal.py --slurm      on a real Slurm of this machine with the shipped profile, too
.venv/bin/python benchmarks/rehearsal.py --tables 2 8 --keep FOLDER --out FILE.json

Works in a copy of what git knows here, with this checkout's environment. Only sizes are changed
(tests/official_paper.py): a user lays out the real files and types the same commands. What asks for a GPU computes on
the CPU. `--slurm` needs root, slurm-wlm and munge, and a machine without another Slurm. Fails unless every table is
there, each run has answered every question, a further start has nothing to do, and Slurm's tables have the bytes of the
local ones.
"""

import argparse
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cluster
from clones import ROOT, about, told
from faults import change

SCALE = ["--config", "scale=paper"]
LOCAL = [sys.executable, "-m", "snakemake", "paper_tables", "--cores", "2"]
SLURM = [
    *(sys.executable, str(ROOT / "benchmarks/snakemake_polling.py"), "paper_tables"),
    *("--workflow-profile", "workflow/profiles/slurm"),
    *("--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5"),
]
REPRODUCED = "clip/tuned/vicuna-7b/seed-0"
_STARTED = re.compile(r"^ *(?:local)?rule ([\w-]+):$", re.MULTILINE)
_ENDED = re.compile(r"^ *Finished jobid: \d+ \(Rule: ([\w-]+)\)$", re.MULTILINE)
# Seconds: for the whole, for an interrupted snakemake to end, and after which a job has imported what it needs; one of
# Slurm starts a snakemake of its own before.
_PATIENCE, _GRACE, _MIDDLE, _MIDDLE_ON_SLURM = 7200.0, 120.0, 1.0, 5.0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", nargs="+", type=int, choices=range(2, 9), default=range(2, 9))
    parser.add_argument("--slurm", action="store_true")
    parser.add_argument("--keep", type=Path, help="a folder to work in, which is left")
    parser.add_argument("--out", type=Path, help="a JSON file for what is seen")
    args = parser.parse_args()
    if args.slurm and (reason := cluster.missing()):
        sys.exit(f"No Slurm to rehearse on: {reason}.")
    with tempfile.TemporaryDirectory(prefix="vistok-") as folder:
        seen = rehearse(args.keep or Path(folder), [f"table-{number}" for number in args.tables], args.slurm)
    report = about() | {"changed": bool(told("git", "status", "--porcelain"))} | seen
    print(json.dumps(report, indent=1))
    if args.out:
        args.out.write_text(json.dumps(report, indent=1) + "\n")
    return 0


def rehearse(folder: Path, tables: list[str], on_slurm: bool) -> dict[str, Any]:
    """Builds locally, reproduces one experiment, and builds on Slurm; returns what was seen."""
    stage, pristine = Stage(folder, folder / "local"), folder / "pristine"
    runs = stage.prepare(tables)
    shutil.copytree(stage.checkout, pristine, symlinks=True)
    seen: dict[str, Any] = {"tables": tables, "runs": len(runs), "local": stage.build_stopped()}
    stage.check(tables, runs)
    made = stage.pages()
    seen["dvc"] = stage.reproduce(REPRODUCED if REPRODUCED in runs else runs[-1])
    if on_slurm:
        there = Stage(folder, folder / "slurm")
        shutil.copytree(pristine, there.checkout, symlinks=True)
        with cluster.started(folder / "lab"):
            seen["slurm"] = there.build_on_slurm()
        there.check(tables, runs)
        seen["slurm"]["same_bytes"] = there.pages() == made
        assert seen["slurm"]["same_bytes"], "Slurm's tables differ from the local ones"
    return seen


@dataclass(frozen=True)
class Stage:
    """A checkout in which the paper scale is rehearsed; data and hub lie in the folder that it shares with others."""

    folder: Path
    checkout: Path

    def prepare(self, tables: list[str]) -> list[str]:
        """Copies what git knows, makes it small and writes the stand-ins; returns the runs."""
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_symlink() or (ROOT / name).is_file():
                (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.checkout / name, follow_symlinks=False)
        sys.path.insert(0, str(ROOT))
        from tests.official_paper import lay_out

        data, hub = self.folder / "official", self.folder / "hub"
        os.environ["HF_HUB_CACHE"] = str(hub)
        runs = lay_out(self.checkout, data=data, hub=hub, tables=tables)
        (self.checkout / "data").mkdir(exist_ok=True)
        (self.checkout / "data/paper").symlink_to(data)
        return runs

    def build_stopped(self) -> dict[str, Any]:
        """Builds locally; sends SIGTERM to all processes once in each rule, as a terminal or a node's end does."""
        started, before, stopped, hung = time.monotonic(), _processor(), list[str](), 0
        while True:
            process, log = self.start(LOCAL, f"local-{len(stopped)}.log")
            if not (rules := self._in_the_middle(process, log, stopped)):
                self._end(process, log)
                never = self._started() - {*stopped, "paper_tables"}
                return _cost(started, before) | {"stopped": stopped, "never": sorted(never), "hung": hung}
            stopped += rules
            hung += self._stop(process)

    def _stop(self, process: subprocess.Popen[str]) -> bool:
        """Sends SIGTERM to all processes; returns whether snakemake had to be killed then.

        Snakemake 9.27.1 takes a lock in its handler that the thread it interrupts may hold: it then waits for ever.
        """
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True
        return False

    def build_on_slurm(self) -> dict[str, Any]:
        """Builds on Slurm; cancels a job of each kind once, which the profile has submitted again."""
        started, before, stopped, since = time.monotonic(), _processor(), dict[str, str](), dict[str, float]()
        process, log = self.start(SLURM, "slurm.log")
        while process.poll() is None:
            for kind, job in oldest_of_each_kind(_running()).items():
                since.setdefault(job, time.monotonic())
                at_work_for = time.monotonic() - since[job]
                if kind not in stopped and self._is_middle(kind, at_work_for, _MIDDLE_ON_SLURM):
                    stopped[kind] = job
                    cluster.told("scancel", job)
            time.sleep(0.5)
            assert time.monotonic() - started < _PATIENCE, log.read_text()[-3000:]
        self._end(process, log)
        return _cost(started, before) | {"cancelled": sorted(stopped)}

    def start(self, command: list[str], log: str) -> tuple[subprocess.Popen[str], Path]:
        path = self.checkout.parent / f"{self.checkout.name}-{log}"
        with path.open("w") as stream:
            return subprocess.Popen(
                [*command, *SCALE], cwd=self.checkout, env=self.environment(), stdin=subprocess.DEVNULL,
                stdout=stream, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            ), path  # fmt: skip

    def environment(self) -> dict[str, str]:
        beside = self.checkout.with_name(f"{self.checkout.name}-dvc")
        own = {
            "PYTHONPATH": self.checkout / "src",
            "DVC_SITE_CACHE_DIR": beside / "site",
            "VISTOK_DEVICE": "cpu",
        }
        own |= {f"DVC_{name}_CONFIG_DIR": beside for name in ("GLOBAL", "SYSTEM")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        quiet = {"DVC_NO_ANALYTICS": "1", "PYTHONWARNINGS": "ignore", "PATH": path}
        return {**os.environ, **quiet, **{name: str(value) for name, value in own.items()}}

    def check(self, tables: list[str], runs: list[str]) -> None:
        """Makes sure that all is there that the real files would give."""
        for table in tables:
            for suffix in ("csv", "md", "tex", "html"):
                assert (self.checkout / f"paper_tables/paper/{table}.{suffix}").is_file(), table
        for run in runs:
            scored = sorted((self.checkout / "results/paper" / run).glob("*/metrics.json"))
            assert len(scored) >= 6, f"{run}: {scored}"
            for file in scored:
                metrics = json.loads(file.read_text())
                films = file.parent.name == "seed-bench"  # one of the stand-in's questions is about a video
                assert metrics["n"] == metrics["of"] - films > 0, file
        kept = [path for path in (self.checkout / "state/paper").rglob("*") if path.is_file()]
        assert not [path for path in kept if "locks" not in path.parts], kept
        said = self.told(*LOCAL, "-n", *SCALE)
        assert "Nothing to be done" in said, said

    def reproduce(self, run: str) -> dict[str, Any]:
        """Has DVC take over a run that Snakemake built, then make it anew with other steps, and nothing else."""
        started, before, stage = time.monotonic(), _processor(), f"run@{run}"
        self.told("git", "init", "--quiet", "--initial-branch", "main")
        self.told(_beside("vistok"), "export-experiments", "--scale", "paper")
        first = self.told(_beside("dvc"), "repro", stage)
        assert "Nothing to be done" in first, first
        change(
            self.checkout / "workflow/scales/paper.yaml",
            lambda scale: scale["recipes"].update({run.split("/")[1]: {"steps": 7}}),
        )
        again = self.told(_beside("dvc"), "repro", stage)
        trained = re.findall(r"^ *(?:local)?rule tune_mllm:$", again, re.MULTILINE)
        assert len(trained) == 1, again
        ended = self.told(_beside("dvc"), "repro", stage)
        assert "up to date" in ended, ended
        steps = (self.checkout / f"records/paper/runs/{run}/curves.csv").read_text().splitlines()[-1]
        assert steps.startswith("7,"), steps
        return _cost(started, before) | {"stage": stage}

    def told(self, *command: str) -> str:
        """Returns what a command says, which has to end well."""
        done = subprocess.run(
            command, cwd=self.checkout, env=self.environment(), text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-5000:]}"
        return done.stdout

    def pages(self) -> dict[str, str]:
        """Returns the digests of all tables and pages."""
        root = self.checkout / "paper_tables/paper"
        return {
            str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*"))
            if path.is_file() and path.name not in (".snakemake_timestamp", "measured.js")
        }

    def _in_the_middle(self, process: subprocess.Popen[str], log: Path, known: list[str]) -> list[str]:
        """Waits until jobs of other rules than the known ones are in the middle, and returns these; none at the end."""
        since: dict[str, float] = {}
        end = time.monotonic() + _PATIENCE
        while process.poll() is None and time.monotonic() < end:
            now, running = time.monotonic(), at_work(log.read_text()) - {*known, "paper_tables"}
            since = {rule: since.get(rule, now) for rule in running}
            if rules := [
                rule for rule, first in since.items() if self._is_middle(rule, now - first, _MIDDLE)
            ]:
                return rules
            time.sleep(0.05)
        return []

    def _is_middle(self, kind: str, seconds: float, least: float) -> bool:
        """Returns whether a job is in the middle: a training has saved its state, others have their imports."""
        states = self.checkout / "state/paper/mllms"
        return seconds > least and ("tune_mllm" not in kind or any(states.rglob("state.safetensors")))

    def _started(self) -> set[str]:
        """Returns all rules of which a job has started."""
        logs = self.checkout.parent.glob(f"{self.checkout.name}-local-*.log")
        return {rule for log in logs for rule in _STARTED.findall(log.read_text())}

    def _end(self, process: subprocess.Popen[str], log: Path) -> None:
        assert process.wait(_PATIENCE) == 0, f"{log.read_text()[-5000:]}\n{self._job_logs()}"

    def _job_logs(self) -> str:
        logs = sorted((self.checkout / ".snakemake/slurm_logs").rglob("*.log"))
        return "\n".join(f"{log}:\n{log.read_text()[-2000:]}" for log in logs[-5:])


def at_work(log: str) -> set[str]:
    """Returns the rules of which a job has started and not ended, by what snakemake says."""
    return {*(Counter(_STARTED.findall(log)) - Counter(_ENDED.findall(log)))}


def oldest_of_each_kind(jobs: list[str]) -> dict[str, str]:
    """Returns the first of Slurm's jobs of each kind: its rule or group, as the executor's comment tells.

    Args:
        jobs: `number|comment` of each.
    """
    numbered = sorted((line.split("|", 1) for line in jobs), key=lambda job: -int(job[0]))
    return {re.split(r"_wildcards|/", comment)[0]: number for number, comment in numbered}


def _running() -> list[str]:
    return cluster.told("squeue", "--noheader", "--states=RUNNING", "--format=%A|%k").splitlines()


def _beside(command: str) -> str:
    return str(Path(sys.executable).with_name(command))


def _processor() -> float:
    """Returns the seconds of the processor that ended children have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _cost(started: float, before: float) -> dict[str, float]:
    return {"seconds": round(time.monotonic() - started), "processor_seconds": round(_processor() - before)}


if __name__ == "__main__":
    sys.exit(main())
