"""Unpacks an archive that may be hostile: nothing leaves its folder, and nothing is visible until all is unpacked."""

import errno
import gzip
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Final

from vistok.errors import VistokError
from vistok.files import staged_file, staged_folder

_ZIP: Final = ".zip"
_CHUNK: Final = 1 << 20
_TAR: Final = (".tar.gz", ".tgz")
# RuntimeError: an encrypted member. NotImplementedError: a compression that nobody uses.
_BROKEN: Final = (
    zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, NotImplementedError, RuntimeError
)  # fmt: skip


def is_archive(name: str) -> bool:
    """Returns whether a file's name is that of an archive that can be unpacked."""
    return name.lower().endswith((_ZIP, *_TAR))


def unpack(archive: Path, into: Path) -> None:
    """Unpacks a .zip or .tar.gz into a folder that may have other files; files of the same name are replaced.

    It is unpacked whole next to the folder before anything is moved into it.

    Raises:
        VistokError: the archive is broken, holds anything but files and folders below itself (a link, a
            device, an absolute path, `..`), or would fill the disk. Nothing was added then.
    """
    into = into.resolve()  # a link may lead to another disk, whose space counts
    staging = into.parent / f".{into.name}.{archive.name}.unpacked"
    try:
        with staged_folder(staging) as stage:
            free = shutil.disk_usage(stage).free
            members = _of_zip if archive.name.lower().endswith(_ZIP) else _of_tar
            for name, content in members(archive, free):
                _write(archive, name, content, stage)
    except _BROKEN as error:
        reason = str(error) or "it ends early"
        raise VistokError(f"{archive} is not a whole archive: {reason}. Fetch it again.") from error
    try:
        _check_clashes(archive, staging, into)
        _move(staging, into)
    finally:
        shutil.rmtree(staging)


def _write(archive: Path, name: str, content: IO[bytes] | None, stage: Path) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise _hostile(archive, name, "leads out of its folder")
    target = stage / path
    try:
        (target.parent if content else target).mkdir(parents=True, exist_ok=True)
        if content:
            with content, target.open("xb") as written:
                shutil.copyfileobj(content, written)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise _hostile(archive, name, "stands there twice") from error


def _of_zip(archive: Path, free: int) -> Iterator[tuple[str, IO[bytes] | None]]:
    """Yields the name of every member, and its content where it is a file."""
    with zipfile.ZipFile(archive) as opened:
        members = opened.infolist()
        _check_space(archive, sum(member.file_size for member in members), free)
        for member in members:
            if not member.filename:
                raise _hostile(archive, "", "has no name")
            if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _hostile(archive, member.filename, "is a link or a device")
            yield member.filename, None if member.is_dir() else opened.open(member)


def _of_tar(archive: Path, free: int) -> Iterator[tuple[str, IO[bytes] | None]]:
    """Yields the name of every member, and its content where it is a file."""
    needed = 0
    with gzip.open(archive) as stream, tarfile.open(fileobj=stream, mode="r:") as opened:
        for member in opened:
            if not (member.isreg() or member.isdir()):
                raise _hostile(archive, member.name, "is a link or a device")
            needed += member.size
            _check_space(archive, needed, free)
            yield member.name, opened.extractfile(member) if member.isreg() else None
        while stream.read(_CHUNK):  # the checksum is at the very end, after what tarfile reads
            pass


def _check_space(archive: Path, needed: int, free: int) -> None:
    if needed > free:
        raise VistokError(
            f"{archive} unpacks to {needed:,} bytes or more, {free:,} are free. Free some space, then start the "
            "same command again."
        )


def _hostile(archive: Path, name: str, what: str) -> VistokError:
    return VistokError(
        f"{archive}: its member {name!r} {what}. Nothing was unpacked. An official archive holds no such thing: "
        "remove the file, and fetch it from its owner."
    )


def _check_clashes(archive: Path, stage: Path, into: Path) -> None:
    """Refuses to put a file where a folder is, or a folder where a file is, before anything is moved."""
    for entry in sorted(stage.rglob("*")):
        target = into / entry.relative_to(stage)
        if target.exists() and target.is_dir() != entry.is_dir():
            present, new = ("a folder", "a file") if target.is_dir() else ("a file", "a folder")
            raise VistokError(
                f"{target} is {present}, and {archive} has {new} of that name. Nothing was unpacked. Move it away, "
                "then start the same command again."
            )


def _move(stage: Path, into: Path) -> None:
    """Moves the contents of a folder into another: new folders whole, others file by file."""
    if into.is_symlink() and not into.exists():
        raise VistokError(
            f"{into} is a link to {into.readlink()}, which is not there. Make that folder first."
        )
    into.mkdir(parents=True, exist_ok=True)
    for entry in sorted(stage.iterdir()):
        target = into / entry.name
        if entry.is_dir() and (target.is_dir() or target.is_symlink()):
            _move(entry, target)
            continue
        try:
            entry.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy(entry, target)


def _copy(source: Path, target: Path) -> None:
    """Moves a file or a folder onto another file system, each file whole or not at all."""
    if source.is_dir():
        _move(source, target)
        return
    with staged_file(target) as partial:
        shutil.copyfile(source, partial)
