"""Which files each job of a study reads and writes."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

from vistok.grid.downloads import Download, downloads_for
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.grid.values import Run
from vistok.planning import listed
from vistok.planning.needs import question_files, tokenizer_weights, training_files
from vistok.published.tables import NUMBERS

TABLE_FORMATS: Final = ("csv", "md", "tex", "html")
_MADE_QUESTIONS: Final = ("coco_oc", "coco_mci", "vcr_oc", "vcr_mci")


@dataclass(frozen=True)
class Files:
    """The inputs and outputs of the jobs of one study, as Snakemake takes them: texts, relative to the checkout."""

    study: Study
    downloads: Mapping[str, Download]

    @property
    def models(self) -> Study:
        return self.study.models

    def studies(self) -> tuple[Study, ...]:
        """Returns the studies whose data roots are read: the questions' and, where it is another, the models'."""
        return (self.study,) if self.models is self.study else (self.study, self.models)

    @cached_property
    def paths(self) -> Paths:
        return Paths(self.study)

    def _tasks(self, suite: str) -> list[str]:
        return [task.id for task in self.study.suite(suite)]

    @cached_property
    def run(self) -> Callable[[str], Run]:
        """Returns the run of a path; kept, for it is asked for several times per job."""
        return cache(self.models.run)

    def listed(self) -> list[str]:
        """Returns every file and folder below the data roots that is listed before it is read."""
        names = [
            name for study in self.studies() if not study.scale.world for name in listed.study_names(study)
        ]
        return list(dict.fromkeys(names))

    def task_digests(self, suite: str) -> list[str]:
        """Returns the digests of what the tasks of a suite read."""
        return self._digests(self.study, listed.task_names(self.study, self._tasks(suite)))

    def image_set_digests(self, image_set: str) -> list[str]:
        """Returns the digests of what an image set is made from."""
        return self._digests(self.models, listed.image_set_names(self.models, image_set))

    def corpus_digests(self) -> list[str]:
        """Returns the digests of the texts that language models are trained on."""
        return self._digests(self.models, listed.corpus_names(self.models))

    def audit_digests(self) -> list[str]:
        """Returns the digests of the official files that the audit reads, and of those that the scale makes."""
        return self._digests(self.study, listed.audit_names(self.study)) + self._digests(
            self.models, [listed.WHOLE] if self.models.scale.world else []
        )

    @staticmethod
    def _digests(study: Study, names: Iterable[str]) -> list[str]:
        paths = Paths(study)
        return [str(paths.digest(name)) for name in names]

    def fetched(self) -> list[str]:
        """Returns the marks of the downloads that the study's files come from, but for those given out by hand."""
        study, models = self.study, self.models
        if study.scale.world:
            return []
        named = question_files(study) + (training_files(models, models.runs()) if models is study else [])
        archives = [entry for name in named for entry in downloads_for(name, self.downloads) if entry.urls]
        return list(dict.fromkeys(f"data/fetched/{study.results_id}/{entry.id}" for entry in archives))

    def of_run(self, suite: str, name: str) -> list[str]:
        """Returns one file of this name for each task of a suite, of the run that a wildcard names."""
        return [f"results/{self.study.results_id}/{{run}}/{task}/{name}" for task in self._tasks(suite)]

    def blind(self, suite: str) -> list[str]:
        """Returns the metrics of the blind baselines of every task of a suite."""
        return [str(self.paths.blind(task)) for task in self._tasks(suite)]

    def blind_predictions(self, suite: str, llm: str) -> list[str]:
        """Returns what a language model answers to each task of a suite without the image."""
        return [str(self.paths.blind_predictions(llm, task)) for task in self._tasks(suite)]

    def own_llm(self, llm: str) -> list[str]:
        """Returns the checkpoint of a language model, if the scale makes its own."""
        return [str(self.paths.llm(llm))] if self.models.scale.language_model else []

    def base(self, llm: str) -> list[str]:
        """Returns the checkpoint that a language model is tuned from, if any."""
        base = self.models.llm(llm).base
        return [str(self.paths.llm(base))] if base else []

    def local_weights(self, tokenizer: str) -> list[str]:
        """Returns the file that a tokenizer is loaded from, if it is neither pretrained here nor published."""
        weights = tokenizer_weights(self.models, tokenizer)
        return [os.path.join(self.models.scale.data_root, weights)] if weights else []  # noqa: PTH118

    def parts(self, run: str) -> list[str]:
        """Returns what one run's MLLM is made of: checkpoints that the scale makes, and local files."""
        wanted = self.run(run)
        if self.models.pretrains(wanted.tokenizer):
            return [*self.own_llm(wanted.llm), str(self.paths.tokenizer(wanted.tokenizer))]
        return self.own_llm(wanted.llm) + self.local_weights(wanted.tokenizer)

    def mixture(self) -> list[str]:
        """Returns the shards that MLLMs are trained on."""
        return [str(self.paths.shards(name)) for name in self.models.scale.mixture]

    def pretraining_shards(self, tokenizer: str) -> list[str]:
        """Returns the shards that a tokenizer is pretrained on, and those that its features are probed on."""
        names = self.models.tokenizer(tokenizer).image_set, self.models.scale.probe_set
        return [str(self.paths.shards(name)) for name in dict.fromkeys(names) if name]

    def metrics(self, tables: Iterable[str]) -> list[str]:
        """Returns the metrics of every cell of tables, and of their blind baselines."""
        cells: list[str] = []
        for table in tables:
            columns = [column.task for column in self.study.table(table).columns]
            for run in self.study.runs(table):
                folder = f"results/{self.study.results_id}/{run.path}"  # a grown study has 100,000 cells
                cells += [f"{folder}/{task}/metrics.json" for task in columns]
            cells += [str(self.paths.blind(task)) for task in columns]
        return list(dict.fromkeys(cells))

    def trainings(self, table: str) -> list[str]:
        """Returns every checkpoint that the scale trains for a table."""
        runs = self.study.runs(table)
        tokenizers = {run.tokenizer for run in runs if self.models.pretrains(run.tokenizer)}
        parts = {str(self.paths.tokenizer(name)) for name in tokenizers}
        if self.models.scale.language_model:
            parts |= {path for run in runs for path in self.base(run.llm) + self.own_llm(run.llm)}
        return sorted(parts) + [str(self.paths.mllm(run)) for run in runs]

    def tables(self) -> list[str]:
        """Returns every rendered table of the study, and the curves of its trainings."""
        rendered = [
            str(self.paths.table(table, form)) for table in self.study.tables for form in TABLE_FORMATS
        ]
        return rendered + [str(self.paths.table(f"{table}-curves", "png")) for table in self.study.tables]

    def made_questions(self) -> list[str]:
        """Returns the GVTBench files that the scale makes itself for its test split."""
        names = _MADE_QUESTIONS if self.models.scale.world else ()
        return [f"{self.models.scale.data_root}/gvtbench/{name}.json" for name in names]

    @staticmethod
    def published() -> list[str]:
        """Returns the paper's own tables: what the audit finds in one may rest on others."""
        return [f"paper_tables/published/table{number}.csv" for number in NUMBERS]
