"""Reads image-text pairs in tars, as img2dataset writes them, as an image set."""

import tarfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path, PurePosixPath

from vistok.datasets.rows import ImageRow, Source
from vistok.errors import VistokError
from vistok.reading import parse_json

_TAR_BLOCK = 512


def webdataset_source(folder: Path) -> Source:
    """Reads the samples of all tars of a folder, which are its captions' images.

    Raises:
        VistokError: there is no tar; while rows are consumed: a tar is cut, or a sample lacks image or caption.
    """
    tars = sorted(folder.glob("*.tar"))
    if not tars:
        raise VistokError(f"no .tar files in {folder}: name the folder that img2dataset wrote.")
    return Source((), chain.from_iterable(map(_samples, tars)))


def _samples(path: Path) -> Iterator[ImageRow]:
    """Reads the samples of a tar, whose members stay in memory: no name in it ever becomes a file."""
    _refuse_cut(path)
    key, members = "", dict[str, bytes]()
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isreg() else None
                if stream is None:
                    continue
                name = PurePosixPath(member.name)
                stem, _, suffix = name.name.partition(".")
                if (found := str(name.with_name(stem))) != key and members:
                    yield _sample(path, key, members)
                    members = {}
                key = found
                members[suffix.lower()] = stream.read()
    except (tarfile.TarError, EOFError) as error:
        raise VistokError(f"{path} is no whole tar: {error}. Fetch or make it again.") from error
    if members:
        yield _sample(path, key, members)


def _refuse_cut(path: Path) -> None:
    # A tar that is cut between two members reads without an error, but for the missing last block.
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(size - _TAR_BLOCK, 0))
        if size % _TAR_BLOCK or any(stream.read()):
            raise VistokError(f"{path} is no whole tar: its end is missing. Fetch or make it again.")


def _sample(path: Path, key: str, members: dict[str, bytes]) -> ImageRow:
    image = next((members[suffix] for suffix in ("jpg", "jpeg", "png", "webp") if suffix in members), None)
    try:
        caption = (
            members["txt"].decode() if "txt" in members else parse_json(members["json"].decode())["caption"]
        )
    except (KeyError, TypeError, ValueError):
        caption = None
    if image is None or not isinstance(caption, str):
        raise VistokError(
            f"{path}, sample {key!r}: an image (.jpg, .jpeg, .png, .webp) and a caption (.txt, or `caption` "
            f"in .json) are needed, found {', '.join(f'.{suffix}' for suffix in members)}."
        )
    return ImageRow(key, image, captions=(caption,))
