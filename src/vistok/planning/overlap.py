"""Looks for the references of a captioning task among the captions that the mixture trains on."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from vistok.datasets.coco import read_captions
from vistok.errors import VistokError
from vistok.evaluation.kinds import task_kind
from vistok.grid.study import Study

Captions = Mapping[int, tuple[str, ...]]


def check_training_captions(study: Study) -> str:
    """Returns what was compared: an image has leaked where a set gives it a caption that is one of its references.

    COCO's train2017 holds most of val2014, from which the usual captioning split takes its questions.

    Raises:
        VistokError: a set has such images, or a captions file is not as it should be.
    """
    compared = []
    for task, name, references in _caption_tasks(study):
        for image_set, captions in _trained_on(study):
            shared = [
                image for image, texts in captions.items() if set(texts) & set(references.get(image, ()))
            ]
            if shared:
                raise VistokError(
                    f"the image set {image_set!r} teaches references of {task}: captions of {len(shared)} of its "
                    f"{len(references)} images (first: {shared[0]}). Add {name} to the set's `leave_out` in "
                    f"{study.scale_file}."
                )
            compared.append(f"{image_set} teaches none of the references of {task}")
    return "; ".join(compared) or "nothing to compare is there yet"


def _caption_tasks(study: Study) -> Iterator[tuple[str, str, Captions]]:
    """Yields each captioning task with its reference file's name and content, if the file is there."""
    for task in study.answered_tasks():
        files = study.task_files(task.id)
        if (
            files
            and task_kind(task.kind).describes
            and (path := Path(study.scale.data_root) / files.references).is_file()
        ):
            yield task.id, files.references, read_captions(path).captions


def _trained_on(study: Study) -> Iterator[tuple[str, Captions]]:
    """Yields each set of the mixture that has a file of captions in COCO's format, with those that are read."""
    root = Path(study.scale.data_root)
    for name in study.scale.mixture:
        entry = study.image_set(name)
        paths = [root / file for file in (entry.captions, *entry.leave_out) if file]
        if entry.format == "coco" and entry.captions and all(path.is_file() for path in paths):
            captions, *unwanted = (read_captions(path).captions for path in paths)
            left_out = set().union(*unwanted)
            yield name, {image: texts for image, texts in captions.items() if image not in left_out}
