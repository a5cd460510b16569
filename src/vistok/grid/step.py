"""A step of the workflow: its jobs, files, spec and code, as functions of a study and ids."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from vistok.grid.job_sizes import StepId
from vistok.grid.runs import Subject
from vistok.grid.specs import Spec
from vistok.grid.study import Study
from vistok.grid.verbs import VERBS

Ids = tuple[str, ...]


def _nothing(study: Study, *_: object) -> list[Any]:
    return []


def _no_spec(study: Study, *_: object) -> Spec:
    return {}


@dataclass(frozen=True)
class Step:
    """One verb of the workflow.

    Its functions take a study and the ids of one job; that of a run or a pretraining is its path.

    Attributes:
        id: its verb, see `vistok.grid.verbs`.
        outputs: what a job makes; an id may be a wildcard, such as `{run}`.
        jobs: the ids of its jobs behind some runs; none if it is asked for by itself or made with all tables.
        inputs: what a job reads besides the data root: checkpoints, shards, answers, scores.
        reads_data: whether it reads the data root of its study.
        spec: what of the study a job's result depends on besides its inputs.
        modules: the modules that a job looks up by an id of the grid, besides those that its own code names.
        without: the package that its code imports and a job never runs, if any.
        shared: whether its study is the one whose checkpoints answer, which several scales may share.
        size: the step whose job size in a scale is its own, too; its own id if not given.
        rule: its name among the rules; its id with underscores if not given.
        code: the module that takes it, for the digest of what it runs; that of its name in `vistok.steps` if not given.
        figure: the suffix of the output that shows a figure or a count of the whole study, made with its tables; "" if
            it makes none.
        pair: whether that needs the two runs that Figures 3 and 4 compare.
    """

    id: str
    outputs: Callable[..., list[Path]]
    jobs: Callable[[Study, Sequence[Subject]], Iterable[Ids]] = _nothing
    inputs: Callable[..., Sequence[Path | str]] = _nothing
    reads_data: bool = False
    spec: Callable[..., Spec] = _no_spec
    modules: Callable[..., list[str]] = _nothing
    without: str = ""
    shared: bool = False
    size: StepId | None = None
    rule: str = ""
    code: str = ""
    figure: str = ""
    pair: bool = False

    def whose(self, study: Study) -> Study:
        """Returns the study that a job is of: the given one, or that of the models that answer for it."""
        return study.models_study if self.shared else study

    @property
    def over(self) -> Ids:
        """What its jobs range over, as wildcards and arguments are called."""
        return VERBS[self.id].over

    @property
    def category(self) -> str:
        """The heading under which Snakemake's report shows its figure."""
        return "Figures" if self.figure == ".svg" else "Tables"

    @property
    def rule_name(self) -> str:
        return self.rule or self.id.replace("-", "_")

    @property
    def module(self) -> str:
        return self.code or f"vistok.steps.{self.id.replace('-', '_')}"

    @property
    def size_id(self) -> StepId:
        """The key of a scale's `resources` that holds what its jobs ask for."""
        return self.size or cast("StepId", self.id)

    def log(self, study: Study, *ids: str) -> Path:
        return self._job_file("logs", study, ids, "log")

    def benchmark(self, study: Study, *ids: str) -> Path:
        return self._job_file("benchmarks", study, ids, "tsv")

    def _job_file(self, folder: str, study: Study, ids: Ids, suffix: str) -> Path:
        return Path(folder, self.whose(study).results_id, "/".join((self.rule_name, *ids)) + f".{suffix}")
