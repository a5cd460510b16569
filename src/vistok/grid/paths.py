"""Where every file of a study is: pure functions of its ids, for the steps and the workflow."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vistok.grid.runs import Pretrained, Run, Subject
from vistok.grid.study import Study

TABLE_FORMATS: Final = ("csv", "md", "tex", "html")
CLAIMS_FORMATS: Final = ("md", "html", "json", "svg")
AUDIT_FORMATS: Final = ("md", "html", "json")
TABLES: Final = Path("paper_tables")
PUBLISHED: Final = TABLES / "published"
ABOUT: Final = "about.yaml"
# What was counted in the question files that the paper's authors released.
RELEASED_STATISTICS: Final = PUBLISHED / "gvtbench.json"
PERCEPTUAL: Final = "perceptual"  # the net of a perceptual loss, one of ETT's
NUMBERS: Final = tuple(range(1, 9))  # of the paper's tables


@dataclass(frozen=True)
class Paths:
    """The files of one study, relative to the root of its checkout; runs and pretrainings are named by id, too."""

    study: Study

    @property
    def data(self) -> Path:
        return Path(self.study.scale.data_root)

    def digest(self, name: str = ".") -> Path:
        """Returns the small file with the digest of what is at a path below the data root; by default, of all of it."""
        return (
            Path(f"{self.study.scale.data_root}.json") if name == "." else listed(self.study.scale.id, name)
        )

    def fetched(self, download: str) -> Path:
        """Returns the mark of a download that is below the data root."""
        return Path("data/fetched") / self.study.results_id / download

    def shards(self, image_set: str) -> Path:
        return Path("shards") / self.study.scale.models / image_set

    def pretrained(self, pretrained: Pretrained | str) -> Path:
        """Returns the checkpoint of a tokenizer that the scale pretrains; a published one has none."""
        return self.checkpoints / "tokenizers" / _id(pretrained)

    def own_tokenizer(self, pretrained: Pretrained) -> Path | None:
        """Returns the checkpoint of a tokenizer that this study trains; None of one that is loaded as published."""
        folder = self.study.models_study.second_system_folder(pretrained.tokenizer)
        if folder:
            return self.checkpoints / folder
        return (
            self.pretrained(pretrained) if self.study.models_study.pretrains(pretrained.tokenizer) else None
        )

    def llm(self, llm: str) -> Path:
        return self.checkpoints / "llms" / llm

    def mllm(self, run: Run | str) -> Path:
        return self.checkpoints / "mllms" / _id(run)

    def ett_model(self, name: str) -> Path:
        """Returns the checkpoint of a model that ETT alone trains: a net, or its tokenizer."""
        return self.checkpoints / "ett" / name

    def teachers(self, run: Run) -> list[Path]:
        """Returns the net of the perceptual loss, where a run's recipe trains its tokenizer by its own loss too."""
        return [self.ett_model(PERCEPTUAL)] if self.study.recipe(run.recipe).tokenizer_loss else []

    @property
    def checkpoints(self) -> Path:
        return Path("checkpoints") / self.study.scale.models

    def state(self, checkpoint: Path) -> Path:
        """Returns the folder of a training's resumable state, which is not a workflow output."""
        return Path("state") / checkpoint.relative_to("checkpoints")

    def answers_under_way(self, subject: Subject | str, suite: str) -> Path:
        """Returns what a job has answered of a suite so far, which is not a workflow output."""
        return Path("state") / self.study.results_id / "answers" / _id(subject) / f"{suite}.jsonl"

    @property
    def results(self) -> Path:
        return Path("results") / self.study.results_id

    def predictions(self, run: Subject | str, task: str) -> Path:
        return self.results / _id(run) / task / "predictions.jsonl"

    def metrics(self, run: Subject | str, task: str) -> Path:
        return self.results / _id(run) / task / "metrics.json"

    def blind(self, task: str) -> Path:
        return self.results / "blind" / task / "metrics.json"

    def blind_predictions(self, llm: str, task: str) -> Path:
        return self.results / "blind" / task / llm / "predictions.jsonl"

    @property
    def tables(self) -> Path:
        return TABLES / self.study.results_id

    def table(self, table: str, suffix: str) -> Path:
        return self.tables / f"{table}.{suffix}"

    def curves(self, table: str) -> Path:
        return self.tables / f"{table}-curves.png"

    def probes(self, table: str) -> Path:
        return self.tables / f"{table}-probes.svg"

    def claims(self, suffix: str) -> Path:
        return self.tables / f"claims.{suffix}"

    def figure(self, number: int, suffix: str) -> Path:
        return self.tables / f"figure-{number}.{suffix}"

    @property
    def page(self) -> Path:
        """The page from which all of the study is reached; its assets are next to it."""
        return self.tables / "index.html"

    def audit(self, suffix: str) -> Path:
        return self.tables / f"audit.{suffix}"

    @property
    def compare_page(self) -> Path:
        return self.tables / "compare.html"

    @property
    def run_pages(self) -> Path:
        return self.tables / "runs"

    @property
    def assets(self) -> Path:
        """What pages load: scripts, styles, charts, photographs."""
        return self.tables / "assets"

    @property
    def cells(self) -> Path:
        return self.results / "cells.json"


def listed(scale: str, name: str) -> Path:
    """Returns the small file with the digest of what is at a path below the data root of a scale."""
    return Path("data/digests") / scale / f"{name}.json"


def published(number: int) -> Path:
    """Returns the paper's own table of a number."""
    return PUBLISHED / f"table{number}.csv"


def all_published() -> list[Path]:
    """Returns the paper's own tables, and the facts about them: a finding about one may rest on others."""
    return [*map(published, NUMBERS), PUBLISHED / ABOUT]


def _id(named: Subject | Pretrained | str) -> str:
    return named if isinstance(named, str) else named.path
