"""The digest lists of the official files that a study reads: which there are, and whether they are still valid."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from vistok.datasets.digest_list import DigestList
from vistok.errors import VistokError, unknown
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.grid.tasks import TaskFiles
from vistok.pins import PINS, folder_digest, pinned_digest

WHOLE: Final = "."
AUDITED: Final = (
    "gvtbench", "coco/annotations", "coco/karpathy", "visual_genome/image_data.json", "vcr/vcr1images"
)  # fmt: skip


def task_names(study: Study, tasks: Iterable[str]) -> list[str]:
    """Returns the files and folders below the data root that tasks read, and that exist, in order."""
    if study.scale.world:
        return [WHOLE]
    files = [entry for task in tasks if (entry := study.task_files(task))]
    return _existing(study, [name for each in files for name in _named(each)])


def image_set_names(study: Study, image_set: str) -> list[str]:
    """Returns the files and folders below the data root that an image set is made from, and that are there."""
    if study.scale.world:
        return [WHOLE]
    entry = study.image_set(image_set)
    return _existing(study, [entry.images, *entry.files])


def corpus_names(study: Study) -> list[str]:
    """Returns the texts that a scale's own language models are trained on."""
    if study.scale.world:
        return [WHOLE]
    stages = [
        stage
        for size in study.scale.language_model.values()
        for stage in (size.pretraining, size.instruction_tuning)
    ]
    return _existing(study, list(dict.fromkeys(stage.corpus for stage in stages)))


def audit_names(study: Study) -> list[str]:
    """Returns the files and folders below the data root that the audit reads, and that are there."""
    return [] if study.scale.world else _existing(study, AUDITED)


def study_names(study: Study) -> list[str]:
    """Returns every file and folder below the data root that some job of a study reads, and that is there."""
    if study.scale.world:
        return [WHOLE]
    names = (
        task_names(study, [task.id for task in study.answered_tasks()])
        + corpus_names(study)
        + audit_names(study)
    )
    return list(
        dict.fromkeys(names + [n for each in study.scale.image_sets for n in image_set_names(study, each)])
    )


def digest_list(study: Study, name: str) -> DigestList:
    """Returns the list of one file or folder below a study's data root."""
    paths = Paths(study)
    return DigestList(paths.data / name, paths.digest(name))


def check_listed(study: Study, names: Sequence[str]) -> None:
    """Refuses to read files that differ from the listed ones.

    Raises:
        VistokError: one is new, gone, or of another size or time; names the command that lists them again.
    """
    for name in names:
        if differences := digest_list(study, name).differences():
            raise stale(study, name, differences)


def check_times(study: Study, names: Sequence[str]) -> None:
    """As `check_listed`, but by the modification time of each file or folder itself; no photograph is looked at.

    Raises:
        VistokError: one has another time than when it was listed.
    """
    for name in names:
        if name != WHOLE and not digest_list(study, name).seems_unchanged():
            raise stale(study, name, [f"{Paths(study).data / name} has changed"])


def write_list(study: Study, name: str) -> str:
    """Lists one file or folder, and returns its digest.

    Raises:
        VistokError: it is missing, or is made by the scale itself and is not what is pinned.
    """
    if name == WHOLE:
        check_pinned(Paths(study).data)
    return digest_list(study, name).write()


def check_pinned(root: Path) -> str:
    """Returns what was found of a data root that its scale makes.

    Raises:
        VistokError: its content is not what is pinned.
    """
    if not root.is_dir():
        return f"{root} will be made"
    pinned, digest = pinned_digest(PINS, root), folder_digest(root)
    if pinned and pinned != digest:
        raise VistokError(
            f"{root} has the digest {digest}, {PINS} pins {pinned}. Remove the folder to have it made again, or "
            f"restore it: dvc checkout {PINS}"
        )
    return f"{root}: {digest}{'' if pinned else ' (not pinned)'}"


def find_name(name: str, names: Sequence[str]) -> str:
    """Returns the name of a file or folder that a study reads.

    Raises:
        VistokError: it reads none of this name.
    """
    if name not in names:
        raise unknown("file or folder of the study's data", name, names)
    return name


def _named(files: TaskFiles) -> list[str]:
    return [*files.images, *files.named]


def _existing(study: Study, names: Iterable[str]) -> list[str]:
    root = Paths(study).data
    return [name for name in dict.fromkeys(names) if (root / name).exists()]


def stale(study: Study, name: str, differences: Sequence[str]) -> VistokError:
    """Returns the error that says how files differ from their list, and the command that lists it again."""
    scale = study.scale
    root = "" if scale.world else f" --data-root {shlex.quote(scale.data_root)}"
    more = f", and {len(differences) - 1} more" if len(differences) > 1 else ""
    return VistokError(
        f"{differences[0]}{more} since its files were listed. If that is intended, list them again, and "
        f"their readers rerun: vistok list-data {shlex.quote(name)} --scale {scale.id}{root}"
    )
