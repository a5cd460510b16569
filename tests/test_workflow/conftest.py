"""One real build of a small study in a copy of the checkout, which all tests of this folder start from."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from vistok.workflow.forkserver import FOLDER, ForkServer, run

ROWS = ("deit/frozen", "clip/frozen", "clip/tuned")
TUNED = {"steps": 100, "rates": {"tokenizer": 0.2}}
BUILT = ("checkpoints", "data", "paper_tables", "results", "shards", "state")
# A provenance tells seconds, and Snakemake leaves a time in the folders that it knows of.
_TIMED = ("provenance.json", "measured.js", ".snakemake_timestamp")
# The products that show the study as a whole.
PAGES = frozenset(
    ("count_benchmark", "draw_attention", "draw_answers", "paper_claims", "paper_audit", "show_study")
)
SNAKEMAKE = Path(sys.executable).with_name("snakemake")
PLANNING = (
    *("snakemake.cli", "vistok.workflow.checks", "vistok.workflow.report", "vistok.workflow.rules"),
    "tests.test_workflow.parsed",
)
# A plan shows the jobs of a group further to the right.
_JOB = re.compile(r"^( *)(?:local)?rule (\w+):\n((?:\1    .*\n)*)", re.MULTILINE)


@dataclass(frozen=True)
class Checkout:
    """A copy of the project's files, with what was built in it.

    What snakemake and its jobs import is imported once for all of them, where there are processes that did.
    """

    root: Path
    planner: ForkServer | None = None
    worker: ForkServer | None = None

    def fresh(self) -> "Checkout":
        """Returns the same of which every process starts by itself, as a user's does."""
        return Checkout(self.root)

    def start(self, *arguments: str, scale: str = "smoke", log: Path) -> subprocess.Popen[str]:
        """Starts snakemake in a process group of its own, as a terminal does; all its processes start by themselves."""
        with log.open("w") as stream:
            return subprocess.Popen(
                [SNAKEMAKE, *self._words(arguments, scale)],
                cwd=self.root,
                env=self._environment(),
                stdout=stream,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

    def snakemake(self, *arguments: str, scale: str = "smoke", starts_jobs: bool = True) -> tuple[int, str]:
        """Runs snakemake; returns its exit status and all that it said."""
        words, environment = self._words(arguments, scale), self._environment()
        if self.worker:
            environment[FOLDER] = str(self.worker.folder)
        if self.planner and ("-n" in words or not starts_jobs):
            return self._plan(self.planner, words, environment)
        ended = subprocess.run(
            [SNAKEMAKE, *words],
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return ended.returncode, ended.stdout

    def _plan(self, planner: ForkServer, words: list[str], environment: Mapping[str, str]) -> tuple[int, str]:
        with tempfile.TemporaryFile("w+") as output, Path(os.devnull).open() as nothing:
            streams = [nothing.fileno(), output.fileno(), output.fileno()]
            status = run(planner.socket, "snakemake.cli", words, self.root, environment, streams)
            assert status is not None
            output.seek(0)
            return status, output.read()

    def build(self, *arguments: str, scale: str = "smoke") -> str:
        """Runs snakemake, which has to end well; returns what it said."""
        status, output = self.snakemake(*arguments, scale=scale)
        assert status == 0, output
        return output

    def jobs(
        self, *arguments: str, target: str = "paper_tables", scale: str = "smoke", pages: bool = False
    ) -> set[str]:
        """Returns the jobs that snakemake would run, such as `answer_gvt clip/tuned`.

        What shows the study as a whole, `PAGES`, is left out unless asked for: any new number or word makes it again.
        """
        output = self.build(target, "-n", *arguments, scale=scale)
        found = [(rule, re.search("wildcards: .*?=(.*)", lines)) for _, rule, lines in _JOB.findall(output)]
        jobs = {f"{rule} {wildcard[1]}" if wildcard else rule for rule, wildcard in found}
        assert jobs or "Nothing to be done" in output, output
        found_jobs = {job.removesuffix("/vicuna-7b/seed-0") for job in jobs - {"paper_tables"}}
        return found_jobs if pages else found_jobs - PAGES

    @contextmanager
    def edited(self, path: str, old: str, new: str) -> Iterator[None]:
        """Replaces text in a file for the length of a block."""
        with self._restored(path) as file:
            text = file.read_text()
            assert old in text, f"{path} has no {old!r}"
            file.write_text(text.replace(old, new, 1))
            yield

    @contextmanager
    def changed(self, path: str, change: Callable[[Any], object]) -> Iterator[None]:
        """Changes what a YAML file says for the length of a block."""
        with self._restored(path) as file:
            change_yaml(file, change)
            yield

    @contextmanager
    def _restored(self, path: str) -> Iterator[Path]:
        file = self.root / path
        before = file.read_bytes()
        try:
            yield file
        finally:
            file.write_bytes(before)

    def digests(self, *folders: str) -> dict[str, str]:
        """Returns the digest of every file below some folders that is the same in every build."""
        return {
            str(path.relative_to(self.root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for folder in folders
            for path in sorted((self.root / folder).rglob("*"))
            if path.is_file() and path.name not in _TIMED
        }

    def files(self) -> dict[str, int]:
        """Returns the size of every built file, hidden ones included, but for lists of official files and locks."""
        paths = [path for folder in BUILT for path in (self.root / folder).rglob("*") if path.is_file()]
        kept = (self.root / "data/digests", self.root / "state/locks")
        paths = [path for path in paths if not any(path.is_relative_to(folder) for folder in kept)]
        return {str(path.relative_to(self.root)): path.stat().st_size for path in paths}

    def remove(self, *paths: str) -> None:
        for path in paths:
            shutil.rmtree(self.root / path)

    def forget_state(self, run: str) -> None:
        """Removes what a training of its own left, which the next training of the run would go on from."""
        shutil.rmtree(self.root / f"state/smoke/mllms/{run}", ignore_errors=True)

    def _words(self, arguments: tuple[str, ...], scale: str) -> list[str]:
        given = list(arguments)
        if "--config" not in given:
            given.append("--config")
        return ["--cores", "2", *given, f"scale={scale}"]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.root / "src")}


def change_yaml(file: Path, change: Callable[[Any], object]) -> None:
    value = yaml.safe_load(file.read_text())
    change(value)
    file.write_text(yaml.safe_dump(value, sort_keys=False))


@pytest.fixture(scope="session")
def worker(repository: Path) -> Iterator[ForkServer]:
    """A process that has imported what jobs import, but for this package: each job takes that from its checkout."""
    server = ForkServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def built(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, worker: ForkServer
) -> Iterator[Checkout]:
    """The smoke scale's Table 2, cut to three rows, built for real: once for all workers, and a copy for each."""
    several = "PYTEST_XDIST_WORKER" in os.environ
    shared = tmp_path_factory.getbasetemp().parent if several else tmp_path_factory.getbasetemp()
    original = Checkout(shared / "workflow-original", worker=worker)
    with (shared / "workflow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (original.root / "paper_tables/smoke/table-2.html").exists():
            _build(repository, original)
    root = tmp_path_factory.mktemp("workflow") / "checkout"
    shutil.copytree(original.root, root, symlinks=True)
    checkout = Checkout(root, worker=worker)
    environment = checkout._environment()
    environment["PYTHONPATH"] += f"{os.pathsep}{root}"
    planner = ForkServer(PLANNING, environment)
    checkout._plan(planner, ["--version"], environment)  # before a test edits what it imports
    yield replace(checkout, planner=planner)
    planner.close()


def _build(repository: Path, checkout: Checkout) -> None:
    """Builds the study; its tuned row trains longer than the others, so that there is time to kill it."""
    _copy(repository, checkout.root)
    grid, scales = checkout.root / "workflow/grid", checkout.root / "workflow/scales"
    change_yaml(grid / "tables.yaml", _keep_three_rows)
    change_yaml(scales / "smoke.yaml", lambda scale: scale["recipes"].update(tuned=dict(TUNED)))
    change_yaml(scales / "excerpt.yaml", lambda scale: scale.update(models="smoke"))
    checkout.build("paper_tables")


@pytest.fixture
def official(built: Checkout, tmp_path: Path) -> Path:
    """A folder of official files as a user has it, made of the smoke scale's own; none of it is listed."""
    shutil.rmtree(built.root / "data/digests", ignore_errors=True)
    root = tmp_path / "official"
    shutil.copytree(built.root / "data/smoke", root)
    names = {"questions": "OpenEnded_mscoco_val2014_questions", "annotations": "mscoco_val2014_annotations"}
    for name, own in names.items():
        shutil.copy(root / f"vqa/v2_{own}.json", root / f"vqa/allennlp_vqav2_{name}.json")
    return root


def _keep_three_rows(tables: dict[str, Any]) -> None:
    for name in set(tables) - {"table-2"}:
        del tables[name]
    rows = [row for row in tables["table-2"]["rows"] if f"{row['tokenizer']}/{row['recipe']}" in ROWS]
    tables["table-2"]["rows"] = [{key: value for key, value in row.items() if key != "seeds"} for row in rows]


def _copy(repository: Path, to: Path) -> None:
    """Copies what git knows or would add: what a clone of the working tree would hold."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source = repository / name
        if source.is_symlink() or source.is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, to / name, follow_symlinks=False)
