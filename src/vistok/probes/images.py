"""Anybody's annotated photographs as a probe takes them: a folder, and a file in COCO's instances format."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vistok.datasets.coco import Instances, read_instances
from vistok.datasets.images import load_image
from vistok.datasets.preprocessing import squash
from vistok.errors import VistokError
from vistok.files import no_folder
from vistok.probes.cells import ObjectBoxes, object_boxes
from vistok.probes.probe import Pixels


@dataclass(frozen=True, eq=False)
class Photographs:
    """Annotated photographs, by the paths of their files; none is decoded before it is asked for.

    Attributes:
        paths: of the files, in the order of the instances file.
        cells: the boxes in them.
        listed: how many images the instances file has, those without an object or a file included.
    """

    paths: tuple[Path, ...]
    cells: ObjectBoxes
    listed: int

    def squashed(self, size: int) -> Pixels:
        """Returns all of them at an encoder's size.

        Raises:
            VistokError: a file is damaged.
        """
        images = (load_image(path, what="image") for path in self.paths)
        return np.stack([squash(image, size) for image in images])


def read_photographs(folder: Path, instances: Path, *, most: int) -> Photographs:
    """Returns the first images of an instances file that have objects and a file in the folder.

    Args:
        folder: of the images, by the names that the instances file gives them.
        instances: in COCO's format, as LVIS, Objects365 and many others have it, too.
        most: how many images at most.

    Raises:
        VistokError: the folder or the file is missing or wrong, or none of its images is there.
    """
    if not folder.is_dir():
        raise VistokError(f"--images {folder} {no_folder(folder)}. Name the folder of the annotated images.")
    annotated = read_instances(instances)
    available = [(image, path) for image in annotated.images if (path := _file(folder, annotated, image))]
    if not available:
        names = (record.file_name for record in annotated.images.values() if record.file_name)
        first = next(names, "an image without a `file_name`")
        raise VistokError(
            f"none of the {len(annotated.images)} images of {instances} is in {folder} with an object that can be "
            f"told apart (the first would be {folder / first}). Name the folder that its `file_name`s start from."
        )
    chosen = available[:most]
    records = [annotated.images[image] for image, _ in chosen]
    cells = object_boxes(
        [annotated.objects[image] for image, _ in chosen],
        [(record.width, record.height) for record in records],
        [record.attributes for record in records],
    )
    return Photographs(tuple(path for _, path in chosen), cells, len(annotated.images))


def _file(folder: Path, annotated: Instances, image: int) -> Path | None:
    """Returns an image's file, below the folder; None where it has no single object or is not there."""
    name = annotated.images[image].file_name
    if not name or all(entry.crowd for entry in annotated.objects[image]):
        return None
    path = folder / name
    return path if path.is_file() and path.resolve().is_relative_to(folder.resolve()) else None
