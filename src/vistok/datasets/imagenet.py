"""Reads ImageNet's folders as an image set: one folder a class."""

from collections.abc import Iterator
from functools import partial
from itertools import chain, zip_longest
from pathlib import Path

from vistok.datasets.images import SUFFIXES, image_bytes
from vistok.datasets.rows import ImageRow, Images, Listed, Source
from vistok.errors import VistokError
from vistok.reading import read_text

_MAPPING = "LOC_synset_mapping.txt"


def imagenet_source(folder: Path, root: Path) -> Source:
    """Reads one image of each class, then the second of each class, and so on: any first part is balanced.

    Raises:
        VistokError: a class folder is not in the mapping of the release.
    """
    synsets = _synsets(folder, root)
    files = [_images_of(folder / synset) for synset in synsets]

    def images() -> Iterator[Listed]:
        labelled = ([(name, label) for name in names] for label, names in enumerate(files))
        for turn in chain.from_iterable(zip_longest(*labelled)):
            if turn:
                yield Listed(turn[0], partial(_labelled, folder, *turn))

    return Source(tuple(synsets.values()), Images(images))


def _labelled(folder: Path, name: str, label: int) -> ImageRow:
    return ImageRow(name, image_bytes(folder / name, what=f"image {name}"), label)


def _images_of(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    names = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    return [f"{folder.name}/{name}" for name in names]


def _synsets(folder: Path, root: Path) -> dict[str, str]:
    """Returns class folder -> class name, in label order.

    The order is LOC_synset_mapping.txt's where that file is in the folder or above it (below the data
    root), else that of the folders' names.
    """
    present = sorted(path.name for path in folder.iterdir() if path.is_dir())
    above = [parent for parent in (folder, *folder.parents) if parent == root or root in parent.parents]
    mapping = next((path for path in (parent / _MAPPING for parent in above) if path.is_file()), None)
    if mapping is None:
        return {name: name for name in present}
    lines = read_text(mapping, what="class names").splitlines()
    synsets = {synset: name.strip() for synset, _, name in (line.partition(" ") for line in lines if line)}
    if unlisted := [name for name in present if name not in synsets]:
        raise VistokError(
            f"{folder} has {len(unlisted)} class folders that {mapping} does not list, e.g. {unlisted[0]}. "
            "Take the mapping of the same release."
        )
    return synsets
