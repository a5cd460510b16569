"""Where every file of a study stands: pure functions of its ids, for the steps and the workflow alike."""

from dataclasses import dataclass
from pathlib import Path

from vistok.grid.study import Study
from vistok.grid.values import Run


@dataclass(frozen=True)
class Paths:
    """The files of one study, relative to the root of its checkout."""

    study: Study

    @property
    def data(self) -> Path:
        return Path(self.study.scale.data_root)

    def digest(self, name: str = ".") -> Path:
        """Returns the small file with the digest of what is at a path below the data root; by default, of all of it."""
        if name == ".":
            return Path(f"{self.study.scale.data_root}.json")
        return Path("data/digests") / self.study.scale.id / f"{name}.json"

    def shards(self, image_set: str) -> Path:
        return Path("shards") / self.study.scale.models / image_set

    def tokenizer(self, tokenizer: str) -> Path:
        return self.checkpoints / "tokenizers" / tokenizer

    def llm(self, llm: str) -> Path:
        return self.checkpoints / "llms" / llm

    def mllm(self, run: Run) -> Path:
        return self.checkpoints / "mllms" / run.path

    @property
    def checkpoints(self) -> Path:
        return Path("checkpoints") / self.study.scale.models

    def state(self, checkpoint: Path) -> Path:
        """Returns the folder of a training's resumable state, which is no workflow output."""
        return Path("state") / checkpoint.relative_to("checkpoints")

    @property
    def results(self) -> Path:
        return Path("results") / self.study.results_id

    def predictions(self, run: Run, task: str) -> Path:
        return self.results / run.path / task / "predictions.jsonl"

    def metrics(self, run: Run, task: str) -> Path:
        return self.results / run.path / task / "metrics.json"

    def blind(self, task: str) -> Path:
        return self.results / "blind" / task / "metrics.json"

    def blind_predictions(self, llm: str, task: str) -> Path:
        return self.results / "blind" / task / llm / "predictions.jsonl"

    def table(self, table: str, suffix: str) -> Path:
        return Path("paper_tables") / self.study.results_id / f"{table}.{suffix}"
