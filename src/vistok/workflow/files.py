"""The files of a whole study, and the data that its jobs wait for."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vistok.grid.downloads import Download, downloads_for
from vistok.grid.ett_files import photograph_files
from vistok.grid.ett_scale import TASK, own_blind, suites_of
from vistok.grid.needs import question_files, tokenizer_weights, training_files, weight_names
from vistok.grid.pairs import shown_pair
from vistok.grid.paths import Paths
from vistok.grid.steps import STEPS
from vistok.grid.study import Study
from vistok.planning import listed
from vistok.planning.ett import listed_names

_MADE_QUESTIONS: Final = (
    *(f"gvtbench/{name}" for name in ("coco_oc", "coco_mci", "vcr_oc", "vcr_mci")),
    "seedbench/SEED-Bench",
)


@dataclass(frozen=True)
class Files:
    """Files of one study, as Snakemake takes them: texts, relative to the checkout."""

    study: Study
    downloads: Mapping[str, Download]

    @property
    def models_study(self) -> Study:
        return self.study.models_study

    def studies(self) -> tuple[Study, ...]:
        """Returns the studies whose data roots are read: the questions' and, where it is another, the models'."""
        return (self.study,) if self.models_study is self.study else (self.study, self.models_study)

    def listed(self) -> list[str]:
        """Returns all that is listed before it is read: files and folders below the data roots, and weights."""
        roots = [study for study in self.studies() if not study.scale.world]
        names = [name for study in roots for name in listed.study_names(study)]
        weights = weight_names(self.models_study, self.study.subjects())
        return list(dict.fromkeys([*names, *weights, *listed_names(self.study)]))

    def suites(self) -> list[str]:
        """Returns the suites that are asked: those of the study's tables, and of ETT's."""
        return list(dict.fromkeys((*self.study.suites_asked(), *suites_of(self.study))))

    def suites_of_ett(self) -> list[str]:
        """Returns the suites of whose blind baselines ETT has its own."""
        return [suite for suite in suites_of(self.study) if own_blind(self.study, suite)]

    def task_digests(self, suite: str) -> list[str]:
        """Returns the digests of what the tasks of a suite read."""
        return self._digests(
            self.study, listed.task_names(self.study, [task.id for task in self.study.suite(suite)])
        )

    def all_task_digests(self) -> list[str]:
        """Returns the digests of what all tasks read that some table shows."""
        digests = (name for suite in self.study.suites_shown() for name in self.task_digests(suite))
        return list(dict.fromkeys(digests))

    def figures(self) -> list[str]:
        """Returns the verbs of what shows the study as a whole; of two runs, only where a table has such a pair."""
        has_pair = shown_pair(self.study) is not None
        return [step.id for step in STEPS.values() if step.figure and (has_pair or not step.pair)]

    @staticmethod
    def caption(verb: str) -> str:
        """Returns the file of `workflow/report` that says what a figure shows: its own, or the general one."""
        return verb if Path(f"workflow/report/{verb}.rst").is_file() else "figure"

    @staticmethod
    def label(category: str, outputs: Sequence[str]) -> dict[str, str]:
        """Returns how Snakemake's report names a product: as a table's row names its table, or by its figure."""
        return {category.rstrip("s").lower(): Path(outputs[0]).stem}

    def image_set_digests(self, image_set: str) -> list[str]:
        """Returns the digests of what an image set is made from."""
        return self._digests(self.models_study, listed.image_set_names(self.models_study, image_set))

    def corpus_digests(self) -> list[str]:
        """Returns the digests of the texts that language models are trained on."""
        return self._digests(self.models_study, listed.corpus_names(self.models_study))

    def audit_digests(self) -> list[str]:
        """Returns the digests of the official files that the audit reads, and of those that the scale makes."""
        return self._digests(self.study, listed.audit_names(self.study)) + self._digests(
            self.models_study, [listed.WHOLE] if self.models_study.scale.world else []
        )

    @staticmethod
    def _digests(study: Study, names: Iterable[str]) -> list[str]:
        paths = Paths(study)
        return [str(paths.digest(name)) for name in names]

    def fetched(self) -> list[str]:
        """Returns the marks of the downloads that the study's files come from, but for those given out by hand."""
        study, models_study = self.study, self.models_study
        if study.scale.world:
            return []
        named = question_files(study) + (
            training_files(models_study, models_study.runs()) if models_study is study else []
        )
        archives = [entry for name in named for entry in downloads_for(name, self.downloads) if entry.urls]
        marks = (path for entry in archives for path in STEPS["fetch"].outputs(study, entry.id))
        return list(dict.fromkeys(map(str, marks)))

    def local_weights(self, tokenizer: str) -> list[str]:
        """Returns the file that a tokenizer is loaded from, if it is neither pretrained here nor published."""
        weights = tokenizer_weights(self.models_study, tokenizer)
        return [os.path.join(self.models_study.scale.data_root, weights)] if weights else []  # noqa: PTH118

    def table(self, table: str) -> list[str]:
        """Returns one rendered table, and the curves of its trainings."""
        outputs = (STEPS["tabulate"].outputs, STEPS["draw-curves"].outputs)
        return [str(path) for made in outputs for path in made(self.study, table)]

    def tables(self) -> list[str]:
        """Returns all that is rendered of the study: tables, curves of trainings, figures, and the page of them all."""
        each = (STEPS["tabulate"].outputs, STEPS["draw-curves"].outputs)
        made = [
            path for outputs in each for table in self.study.tables for path in outputs(self.study, table)
        ]
        for verb in (*self.figures(), "show-study"):
            made += STEPS[verb].outputs(self.study)
        return list(map(str, made))

    def ett(self) -> list[str]:
        """Returns all that is rendered of ETT, the second system."""
        return [str(path) for path in STEPS["show-ett"].outputs(self.study)]

    def ett_digests(self) -> list[str]:
        """Returns the digests of the images that ETT's tokenizer is measured on, and of what is in them or tells it."""
        if names := photograph_files(self.study):
            root = Path(self.models_study.scale.data_root)
            return self._digests(self.models_study, [name for name in names if (root / name).exists()])
        return self.task_digests(self.study.task(TASK).suite)

    def made_questions(self) -> list[str]:
        """Returns the GVTBench and SEED-Bench files that the scale makes itself for its test split."""
        names = _MADE_QUESTIONS if self.models_study.scale.world else ()
        return [f"{self.models_study.scale.data_root}/{name}.json" for name in names]
