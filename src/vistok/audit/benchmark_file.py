"""One GVTBench file under audit, with what every check needs of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vistok.audit.findings import Group, slug
from vistok.datasets.gvtbench import ObjectQuestion, read_object_questions
from vistok.errors import VistokError

COLUMN_OF_FILE = {"coco_oc": "COCO-OC", "coco_mci": "COCO-MCI", "vcr_oc": "VCR-OC", "vcr_mci": "VCR-MCI"}
# The official repository holds a second COCO-OC file one folder further down.
_SECOND_VERSION = {"GVTBench/coco_oc": "COCO-OC"}


@dataclass(frozen=True)
class BenchmarkFile:
    """A benchmark file.

    Attributes:
        name: how findings call it, without a folder of this machine: `coco_oc.json`, `mini/coco_oc.json`.
        column: the published column that is measured on it; None for a file of ours.
    """

    name: str
    group: Group
    column: str | None
    questions: tuple[ObjectQuestion, ...]

    @property
    def anchor(self) -> str:
        return slug(self.name.removesuffix(".json"))

    @cached_property
    def keys(self) -> list[str]:
        """Each question's object; where no template fits, the longest known object that it contains."""
        parsed = [_parsed_object(question) for question in self.questions]
        objects = sorted({name for name in parsed if name}, key=lambda name: (-len(name), name))
        return [
            name or next((other for other in objects if f" {other} " in question.question), question.question)
            for name, question in zip(parsed, self.questions, strict=True)
        ]

    @cached_property
    def answers(self) -> list[str]:
        return [question.answer for question in self.questions]

    @cached_property
    def images(self) -> list[int | str]:
        return [question.image_id for question in self.questions]

    @cached_property
    def answer_counts(self) -> Mapping[str, int]:
        """Answer -> how often, the most frequent first."""
        return dict(sorted(Counter(self.answers).items(), key=lambda pair: (-pair[1], pair[0])))

    @property
    def duplicates(self) -> int:
        """How many questions repeat an earlier one, image and text alike."""
        return len(self.questions) - len(
            {(question.image_id, question.question) for question in self.questions}
        )

    def correct(self, guesses: list[str]) -> NDArray[np.float64]:
        """Returns 100 for each right guess and 0 for each wrong one."""
        return np.where(np.array(guesses) == np.array(self.answers), 100.0, 0.0)


def _parsed_object(question: ObjectQuestion) -> str | None:
    try:
        return question.object_name
    except VistokError:
        return None


def released_files(data_root: Path) -> tuple[BenchmarkFile, ...]:
    """Returns the released files below `data_root`/gvtbench that are there.

    Raises:
        VistokError: a file is wrong, or empty.
    """
    columns = COLUMN_OF_FILE | _SECOND_VERSION
    paths = {name: data_root / "gvtbench" / f"{name}.json" for name in columns}
    return tuple(
        BenchmarkFile(f"{name}.json", "benchmark", columns[name], _questions(path))
        for name, path in paths.items()
        if path.is_file()
    )


def generated_file(path: Path) -> BenchmarkFile:
    """Returns a benchmark file of ours; data/mini/gvtbench/x.json is called mini/x.json.

    Raises:
        VistokError: the file is wrong, or empty.
    """
    folders = [part for part in path.parent.parts if part not in ("gvtbench", "data", "/", ".", "..")]
    name = "/".join([*folders[-1:], path.name])
    return BenchmarkFile(name, "ours", None, _questions(path))


def _questions(path: Path) -> tuple[ObjectQuestion, ...]:
    if questions := read_object_questions(path):
        return questions
    raise VistokError(f"{path} holds no question. Fetch or make it again, or leave it out of the audit.")
