"""What pictures in the place of photographs do to the answers of a model of the study, and to its tokenizer's probe."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from vistok.errors import VistokError
from vistok.evaluation.answer.answering import SeeingAnswerer
from vistok.evaluation.reconstruction import Pixels
from vistok.grid.ett_reconstruction import ASKED, reader_of
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.mllm.model import MultimodalModel
from vistok.probes.features import tokens_of
from vistok.probes.probe import probe_cells
from vistok.steps.answers import PhotographReader, answer_suite
from vistok.steps.asking import TaskQuestions, ask_each
from vistok.steps.models import load_trained
from vistok.steps.probe_set import ProbeSet
from vistok.steps.saved_answers import SavedAnswers
from vistok.steps.score_run import scores

_Z95: Final = 1.959963984540054
Scored = dict[str, dict[str, Any]]


@dataclass(frozen=True, eq=False)
class PictureReader:
    """A model of the study that is asked about pictures of its photographs.

    Attributes:
        study: whose questions it is asked.
        model: what answers.
        questions: by task.
        places: photograph -> the place of its picture among those that it is shown.
        probed: the images of the probe set; None where the scale has none.
    """

    study: Study
    model: MultimodalModel
    questions: Mapping[str, TaskQuestions]
    places: Mapping[Path, int]
    probed: ProbeSet | None

    @classmethod
    def of(cls, study: Study, photographs: list[Path], pixels: int) -> "PictureReader":
        """Returns the reader that a scale of ETT's declares.

        Args:
            study: whose questions it is asked.
            photographs: those whose pictures it is to be shown.
            pixels: the side of a picture.

        Raises:
            VistokError: its checkpoint is missing or changed, it reads images of another size, or a question is about
                none of the photographs.
        """
        questions = ask_each(study, ASKED)
        places = {path: place for place, path in enumerate(photographs)}
        for task, asked in questions.items():
            if strange := [path for path in asked.images.values() if path not in places]:
                raise VistokError(
                    f"the task {task!r} asks about {strange[0].name}, of which there is no picture: the annotations of "
                    f"{ASKED[0]!r} do not have it. Give both tasks the same images in the scale's file."
                )
        run, probe_set = reader_of(study), study.models_study.scale.probe_set
        model = load_trained(study.models_study, run)
        if (needed := model.tokenizer.encoder.image_size) != pixels:
            raise VistokError(
                f"{run.path} reads images of {needed} pixels a side, and is to be asked about pictures of {pixels}: "
                "what another size does would count as what a reconstruction does. Give the tokenizer of the scale's "
                f"file below workflow/scales/ett an `image_size` of {needed}."
            )
        probed = ProbeSet.read(Paths(study).shards(probe_set), pixels) if probe_set else None
        return cls(study, model, questions, places, probed)

    def answers(self, pictures: Pixels) -> Scored:
        """Returns what it scores on each task when it is shown pictures: value, interval, n, and values by image."""
        with tempfile.TemporaryDirectory() as folder:
            files = _saved(pictures, Path(folder))
            suite = {
                task: (
                    self.study.task(task),
                    replace(
                        asked, images={name: files[self.places[path]] for name, path in asked.images.items()}
                    ),
                )
                for task, asked in self.questions.items()
            }
            answerer = SeeingAnswerer(self.model, batch=self.study.scale.answer_batch)
            photographs = PhotographReader(
                self.model.tokenizer.reads(), answerer.look_anew, answerer.batch, 0
            )
            saved = SavedAnswers(Path(folder) / "answers.jsonl", "")
            return {
                task.id: self._scored(task.id, rows)
                for task, rows in answer_suite(
                    answerer, suite, saved, name="answers to pictures", photographs=photographs
                )
            }

    def _scored(self, task: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
        entry, asked = self.study.task(task), self.questions[task]
        given = {str(row["id"]): row["answer"] for row in rows}
        found = scores(self.study, entry, asked, given, by_image=True)[entry.protocol]
        low, high = found["intervals"][entry.metric] or (None, None)
        return {
            "value": found["metrics"][entry.metric], "low": low, "high": high, "n": found["n"],
            "by_image": found["by_image"],
        }  # fmt: skip

    def probe(self, painted: Callable[[Pixels], Pixels]) -> Scored:
        """Returns how often a ridge classifier names a box's category from its tokens of pictures of the probe set.

        Args:
            painted: from images (B, 3, S, S) to their pictures.
        """
        if self.probed is None:
            return {}
        pictures = painted(self.probed.pixels.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
        linear = probe_cells(tokens_of(self.model.tokenizer), pictures, self.probed.cells, mlp=False).linear
        low, high = (round(linear.value + sign * _Z95 * linear.error, 4) for sign in (-1, 1))
        found = {"value": round(linear.value, 4), "low": low, "high": high, "n": len(self.probed.cells)}
        return {"probe": found}


def _saved(pictures: Pixels, folder: Path) -> list[Path]:
    """Writes pictures as files without loss, and returns their paths."""
    paths = [folder / f"{place}.png" for place in range(len(pictures))]
    for path, picture in zip(paths, np.ascontiguousarray(pictures.transpose(0, 2, 3, 1)), strict=True):
        Image.fromarray(picture).save(path)
    return paths
