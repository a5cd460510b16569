"""Reads image-text pairs in tars, as img2dataset writes them, as an image set."""

import tarfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from vistok.datasets.images import FORMATS, UnusableImageError
from vistok.datasets.rows import ImageRow, Images, Listed, Source
from vistok.errors import VistokError
from vistok.reading import decoded, kind_of, parse_json, refuse_endless

_TAR_BLOCK = 512
_EMPTY_TAR = 10240  # bytes of the tar that holds nothing
_PIECE = 1 << 20
_ITSELF = "a tar archive"
_NOTHING = "\0 \t\r\n"


def webdataset_source(folder: Path) -> Source:
    """Reads the samples of all tars of a folder, which are its captions' images.

    Raises:
        VistokError: there is no tar; while rows are consumed: a tar is cut, damaged or joined to another, or a sample
            lacks image or caption.
    """
    tars = sorted(path for path in folder.glob("*.tar") if not path.name.startswith("."))
    if not tars:
        raise VistokError(f"no .tar files in {folder}: name the folder that img2dataset wrote.")
    return Source((), Images(lambda: _of_all(tars)), FORMATS, archives=True)


def _of_all(tars: Sequence[Path]) -> Iterator[Listed]:
    firsts: dict[str, Path] = {}
    for tar in tars:
        for number, sample in enumerate(_samples(tar)):
            if not number and firsts.setdefault(sample.image_id, tar) != tar:
                raise VistokError(
                    f"{tar} begins with the sample of {firsts[sample.image_id]}, so images would count twice. Remove "
                    "the copy, or number the samples over all tars."
                )
            yield sample


def _samples(path: Path) -> Iterator[Listed]:
    """Reads the samples of a tar, whose members stay in memory: no name in it ever becomes a file."""
    key, members, seen = "", dict[str, bytes](), set[str]()
    for name, data in _members(path):
        stem, _, suffix = name.name.partition(".")
        if (sample := str(name.with_name(stem))) != key and members:
            yield Listed(key, partial(_sample, path, key, members))
            seen.add(key)
            members = {}
        if sample in seen:
            raise VistokError(
                f"{path}: the sample {sample!r} stands there twice, or not in one place. Fetch or make the tar again."
            )
        key, suffix = sample, suffix.lower()
        if suffix in members:
            raise VistokError(f"{path}: {name} stands there twice. Fetch or make the tar again.")
        members[suffix] = data
    if members:
        yield Listed(key, partial(_sample, path, key, members))


def _members(path: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yields the name and the bytes of each file in a tar; links, nameless and hidden files are left out."""
    _refuse_cut(path)
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                stream = archive.extractfile(member) if member.isreg() else None
                if stream is not None and name.name.strip(".") and not _is_hidden(name):
                    _refuse_undecodable(path, member.name)
                    yield name, stream.read()
            end = archive.offset
    except (tarfile.TarError, EOFError) as error:
        raise VistokError(f"{path} is not a whole tar: {error}. Fetch or make it again.") from error
    _refuse_rest(path, end)


def _refuse_undecodable(path: Path, name: str) -> None:
    if not name.isascii() and any("\udc80" <= each <= "\udcff" for each in name):
        raise VistokError(
            f"{path}: {name} is not a name in UTF-8, as an image's id must be. Make the tar again."
        )


def _is_hidden(name: PurePosixPath) -> bool:
    return any(part == "__MACOSX" or (part.startswith(".") and part != "..") for part in name.parts)


def _refuse_cut(path: Path) -> None:
    # A tar cut between two members reads without an error; only its last block is missing.
    refuse_endless(path, what="tar")
    if path.is_dir():
        raise VistokError(f"{path} is not a tar: it is a folder. Remove it, or fetch or make the tar again.")
    with path.open("rb") as stream:
        if kind := kind_of(stream.read(_TAR_BLOCK)).replace(_ITSELF, ""):
            raise VistokError(f"{path} is not a tar: it is {kind}. Unpack it, or fetch or make it again.")
        size = stream.seek(0, 2)
        stream.seek(max(size - _TAR_BLOCK, 0))
        if size % _TAR_BLOCK or any(stream.read()):
            raise VistokError(f"{path} is not a whole tar: its end is missing. Fetch or make it again.")


def _refuse_rest(path: Path, end: int) -> None:
    """Refuses a tar with anything after the point where reading ended: tarfile stops at the first odd header."""
    with path.open("rb") as stream:
        if not any(stream.read(_TAR_BLOCK)) and path.stat().st_size > _EMPTY_TAR:
            raise VistokError(f"{path} is not a whole tar: it begins with zeros. Fetch or make it again.")
        stream.seek(end)
        marked = not any(stream.read(_TAR_BLOCK))
        while piece := stream.read(_PIECE):
            if any(piece):
                break
        else:
            if marked:
                return
    why = "another tar was joined to it" if marked else f"the header at byte {end} is damaged"
    raise VistokError(
        f"{path} is not a whole tar: {why}, and what follows would be lost. Fetch or make it again."
    )


def _sample(path: Path, key: str, members: dict[str, bytes]) -> ImageRow:
    image = next((members[suffix] for suffix in ("jpg", "jpeg", "png", "webp") if suffix in members), None)
    caption = _caption(path, key, members)
    if image is None or not caption:
        raise UnusableImageError(
            f"{path}, sample {key!r}: an image (.jpg, .jpeg, .png, .webp) and a caption (.txt, or `caption` "
            f"in .json) that is not empty are needed, found {', '.join(f'.{suffix}' for suffix in members)}."
        )
    return ImageRow(key, image, captions=(caption,))


def _caption(path: Path, key: str, members: dict[str, bytes]) -> str:
    """Returns the caption of .txt, or of .json where .txt is empty, as img2dataset leaves it for a null caption."""
    texts = {
        suffix: decoded(members[suffix], path, what=f"sample {key!r}, .{suffix}")
        for suffix in ("txt", "json")
        if suffix in members
    }
    if texts.get("txt", "").strip(_NOTHING):
        return texts["txt"]
    try:
        caption = parse_json(texts["json"])["caption"]
    except (KeyError, TypeError, ValueError):
        return ""
    return caption if isinstance(caption, str) and caption.strip(_NOTHING) else ""
