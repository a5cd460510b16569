"""Makes the mini world's data, GVTBench files included, and checks its bytes against the pinned digest."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from vistok.benchmark.annotations import Annotations, ImageId, read_annotations, read_image_list
from vistok.benchmark.curate import curate
from vistok.benchmark.questions import CurationTask, write_questions
from vistok.datasets.digest_list import DigestList
from vistok.errors import VistokError, unknown
from vistok.files import staged_folder
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.pins import PINS, folder_digest, pinned_digest
from vistok.world.world import WorldSizes, make_world

QUESTIONS = 2000
TRAINING_QUESTIONS = 8000
_COCO_FILES = (("train", "_train", TRAINING_QUESTIONS), ("dev", "_dev", QUESTIONS), ("val", "", QUESTIONS))
_VCR_FILES = (("dev", "_dev"), ("val", ""))


def run(study: Study, *, check: bool = True) -> None:
    """Writes the scale's data root, and the list of its files.

    Raises:
        VistokError: the scale has no world, or the bytes made are not those that are pinned.
    """
    sizes, root = study.scale.world, Path(study.scale.data_root)
    if sizes is None:
        raise VistokError(f"the scale {study.scale.id!r} has no world of its own: its data root is {root}.")
    with staged_folder(root) as partial:
        make_world(_sizes(sizes, study.scale_file), partial, processes=study.scale.job("make-world").cpus)
        _curate(partial)
        if check:
            _check_digest(partial, root)
    DigestList(root, Paths(study).digest()).write()


def _sizes(sizes: Mapping[str, int], file: Path) -> WorldSizes:
    names = {field.name for field in fields(WorldSizes)}
    for name in sorted(sizes.keys() - names):
        raise unknown("world size", name, names, edit=str(file))
    if missing := sorted(names - sizes.keys()):
        raise VistokError(f"{file}: `world` lacks {', '.join(missing)}.")
    return WorldSizes(**sizes)


def _curate(root: Path) -> None:
    """Writes OC and MCI questions about every split's images by the corrected rules, and OC where counts differ."""
    for split, suffix, questions in _COCO_FILES:
        annotations = read_annotations(root / f"coco/annotations/instances_{split}2017.json")
        _write(annotations, root / "gvtbench", suffix, questions)
        differ = curate("counting", annotations, rules="differ", questions=questions)
        write_questions(root / f"gvtbench/coco_oc_differ{suffix}.json", differ)
    annotations = read_annotations(root / "vcr/vcr1images")
    for split, suffix in _VCR_FILES:
        keep = read_image_list(root / f"vcr/{split}.jsonl", "vcr")
        _write(annotations, root / "gvtbench", suffix, QUESTIONS, keep=keep)


def _write(
    annotations: Annotations, out: Path, suffix: str, questions: int, keep: Sequence[ImageId] | None = None
) -> None:
    tasks: tuple[tuple[CurationTask, str], ...] = (("counting", "oc"), ("identification", "mci"))
    for task, short in tasks:
        made = curate(task, annotations, keep=keep, rules="corrected", questions=questions)
        write_questions(out / f"{annotations.origin}_{short}{suffix}.json", made)


def _check_digest(made: Path, root: Path) -> None:
    pinned = pinned_digest(PINS, root)
    actual = folder_digest(made)
    if actual != pinned:
        raise VistokError(
            f"the world made for {root} has the digest {actual}, and {PINS} pins {pinned}. If the world or its sizes "
            "were meant to change, pin the new bytes: make pin-data. If not, restore src/vistok/world and the scale."
        )
