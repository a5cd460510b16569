"""Photographs that are listed and missing: those of the tasks, and of the sets that trainings read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vistok.datasets.images import ImageIndex
from vistok.datasets.manifest import MANIFEST
from vistok.datasets.sources import open_source
from vistok.evaluation.references import load_references
from vistok.grid.needs import image_sets, is_absent
from vistok.grid.paths import Paths
from vistok.grid.runs import Subject
from vistok.grid.study import Study


@dataclass(frozen=True)
class Photographs:
    """The photographs of a task or of an image set.

    Attributes:
        of: its name.
        allowed: how many may be absent.
        absent: returns every file that is listed and is not there; raises VistokError where the list is wrong.
    """

    of: str
    allowed: int
    absent: Callable[[], list[str]]


def listed_photographs(study: Study, subjects: Sequence[Subject]) -> Iterator[Photographs]:
    """Yields what a study's tasks ask about, and where it trains its models itself, what the trainings read.

    Missing folders and lists, and sets whose shards exist, are left out.
    """
    root = Path(study.scale.data_root)
    for task in study.answered_tasks() if study.scale.missing_images == "error" else ():
        files = study.task_files(task.id)
        if files and not any(is_absent(root / name) for name in (*files.images, files.references)):
            yield Photographs(task.id, 0, partial(_of_task, study, task.id))
    for name in image_sets(study, subjects) if study.models_study is study else ():
        entry = study.image_set(name)
        sharded = (Paths(study).shards(name) / MANIFEST).is_file()
        if not sharded and not any(is_absent(root / path) for path in (entry.images, *entry.files)):
            yield Photographs(name, entry.unusable, partial(_of_set, study, name))


def _of_task(study: Study, task: str) -> list[str]:
    files, root = study.task_files(task), Path(study.scale.data_root)
    if files is None:
        return []
    images = load_references(study.task(task).kind, root / files.references).images
    index = ImageIndex(root, files.images)
    return [str(image) for image in dict.fromkeys(images) if index.find(image) is None]


def _of_set(study: Study, name: str) -> list[str]:
    return open_source(study.image_set(name), Path(study.scale.data_root)).absent()
