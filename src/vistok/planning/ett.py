"""Checks in advance the released files that ETT's tokenizer, and the loss that it is tuned by, are imported from."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vistok.errors import VistokError
from vistok.grid.downloads import downloads_for, load_downloads
from vistok.grid.ett import EttPaths
from vistok.grid.ett_files import (
    ibq_outputs,
    listed_files,
    listed_weights,
    photograph_files,
    prompt_files,
    records,
    released_files,
)
from vistok.grid.ett_generation import PublishedPrompts
from vistok.grid.ett_scale import of_ett, read_scale, suites_of
from vistok.grid.needs import question_files, training_files
from vistok.grid.runs import Subject
from vistok.grid.study import Study
from vistok.planning.listed import task_names
from vistok.tokenizers.hub import cached


@dataclass(frozen=True)
class Release:
    """What was found of a scale's released files.

    Attributes:
        imported: whether they are no longer read, for their checkpoints are there.
        where: these checkpoints, or the files.
    """

    imported: bool
    where: str

    def __str__(self) -> str:
        return f"{self.where}: imported" if self.imported else self.where


def listed_names(study: Study) -> list[str]:
    """Returns what ETT's steps read that is listed before, besides what the study's own steps read."""
    tasks = [task.id for suite in suites_of(study) for task in study.suite(suite)]
    return [
        *([] if study.scale.world else task_names(study, tasks)),
        *listed_files(study),
        *listed_weights(study),
    ]


def files_read(study: Study, subjects: Sequence[Subject]) -> list[str]:
    """Returns the files and folders below the data root that some subjects read: to be asked, and to be trained."""
    own_models, ett = study.models_study is study, [of_ett(study, subject) for subject in subjects]
    names = question_files(study) if not ett or not all(ett) else []
    if any(ett):
        tasks = [task for suite in suites_of(study) for task in study.suite(suite)]
        files = [entry for task in tasks if (entry := study.task_files(task.id))]
        names += [name for each in files for name in (*each.images, *each.named)]
    if own_models:
        names += training_files(study, subjects)
        names += [*released_files(study), *measured_with(study)] if any(ett) else []
    return list(dict.fromkeys(names))


def check_released(models_study: Study, *, importing: bool = False) -> Release:
    """Returns what was found of the released files.

    Args:
        importing: whether they are about to be imported, again or for the first time: Snakemake then removes the
            checkpoints first. Otherwise nothing is needed once these are there.

    Raises:
        VistokError: some are missing; says how to fetch them.
    """
    root, made = Path(models_study.scale.data_root), ibq_outputs(models_study)
    imported = not importing and all(path.is_dir() for path in made)
    if not imported:
        _check_files(models_study, root)
    _check_measuring(models_study, root)
    if imported:
        return Release(imported, str(EttPaths(models_study).checkpoint("")))
    files = [*released_files(models_study), *measured_with(models_study)]
    return Release(imported, f"in {root}: {', '.join(files)}")


def _check_files(models_study: Study, root: Path) -> None:
    missing = [name for name in released_files(models_study) if not (root / name).is_file()]
    if missing:
        raise VistokError(
            f"not in {root}: {', '.join(missing)}, from which ETT's tokenizer and its loss are imported. "
            f"{how_to_fetch(missing, root)}"
        )


def measured_with(study: Study) -> list[str]:
    """Returns what reconstructions and drawn images are measured with, below the data root."""
    return [*photograph_files(study), *prompt_files(study)]


def _check_measuring(models_study: Study, root: Path) -> None:
    """Refuses a scale whose reconstructions and images could not be measured once all is trained."""
    if all(path.is_file() for path in records(models_study)):
        return
    if missing := [name for name in measured_with(models_study) if not (root / name).exists()]:
        raise VistokError(
            f"not in {root}: {', '.join(missing)}, with which ETT's reconstructions and drawn images are measured. "
            f"{how_to_fetch(missing, root)}"
        )
    size = read_scale(models_study).generation
    judges = (size.detector, size.clip) if isinstance(size, PublishedPrompts) else ()
    for name in judges:
        if not Path(name).is_dir() and not cached(name, "config.json"):
            raise VistokError(
                f"{name!r}, which judges drawn images, is neither a folder nor in this machine's cache. Fetch it where "
                f"there is a network: hf download {name}"
            )


def how_to_fetch(names: list[str], root: Path) -> str:
    """Returns the commands that fetch files to below a data root."""
    downloads = load_downloads()
    entries = dict.fromkeys(entry.id for name in names for entry in downloads_for(name, downloads))
    return "; ".join(f"vistok fetch {entry} --data-root {shlex.quote(str(root))}" for entry in entries)
