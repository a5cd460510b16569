"""Files that are written whole or not at all."""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from vistok.errors import VistokError
from vistok.leftovers import LOCK, SUFFIX, claim, clear_leftovers

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CLOSED: Final = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENAMETOOLONG,
}


@contextmanager
def staged_file(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Yields a path next to `path` to write to; renames it to `path` if the block ends without an error.

    Args:
        path: where the file is to be.
        durable: whether it must survive a crash of the machine: it is then flushed to disk before it is renamed.

    Raises:
        VistokError: the disk is full, the folder cannot be written, or a folder or a device is at `path`. What was
            there is still there.
    """
    with _explained(path):
        _refuse_unwritable(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers(path)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=SUFFIX, dir=path.parent)
    claim(handle)
    partial = Path(name)
    try:
        with _explained(path):
            yield partial
            partial.chmod(0o666 & ~_umask())
            if durable:
                _to_disk(partial)
            partial.replace(path)
            if durable:
                _to_disk(path.parent)
    finally:
        partial.unlink(missing_ok=True)
        os.close(handle)


@contextmanager
def staged_folder(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Yields an empty folder next to `path` to fill; replaces `path` by it if the block ends without an error.

    Args:
        path: where the folder is to be. A link stays: the folder that it leads to, on a larger disk perhaps, is made.
        durable: as in `staged_file`, for every file in it.

    Raises:
        VistokError: the disk is full, or the folder cannot be written. The previous content of `path` is kept.
    """
    path = path.resolve() if path.is_symlink() else path
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers(path)
        stage = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=SUFFIX, dir=path.parent))
        handle = os.open(stage / LOCK, os.O_RDWR | os.O_CREAT)
    claim(handle)
    partial, old = stage / "new", stage / "old"
    try:
        with _explained(path):
            partial.mkdir()
            yield partial
            if durable:
                for made in (*partial.rglob("*"), partial):
                    _to_disk(made)
            if path.exists():
                path.replace(old)
            partial.replace(path)
            if durable:
                _to_disk(path.parent)
    finally:
        if old.exists() and not path.exists():
            old.replace(path)
        shutil.rmtree(stage, ignore_errors=True)
        os.close(handle)


def _umask() -> int:
    """Returns the umask; reading it sets it, so it is set back."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _to_disk(path: Path) -> None:
    """Flushes a file, or a folder's entries, to disk (fsync)."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turns a failure to write `path` into a VistokError; any other error passes."""
    try:
        yield
    except OSError as error:
        full = error.errno in _FULL
        if not full and not (error.errno in _CLOSED and _concerns(error.filename, path)):
            raise
        folder = error.errno == errno.EISDIR and path.is_dir()
        raise _unwritable(path, error.strerror, full=full, folder=folder) from error
    except Exception as error:
        reasons = [os.strerror(number) for number in sorted(_FULL) if os.strerror(number) in str(error)]
        if not reasons:  # safetensors has errors of its own, which name the system's in words
            raise
        raise _unwritable(path, reasons[0], full=True) from error


def check_destination(path: Path, *inputs: Path) -> None:
    """Checks, before long work, that a file can be written to `path`; its folder is made if there is none.

    Args:
        path: where the file is to be.
        inputs: other files of the work, none of which it may overwrite.

    Raises:
        VistokError: one of the inputs or a folder is at `path`, or its folder cannot be written.
    """
    if any(_is_same(path, each) for each in inputs):
        raise VistokError(
            f"cannot write {path}: another file of the same command is there, and would be lost. Name another path."
        )
    with _explained(path):
        _refuse_unwritable(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.parent, os.W_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def _is_same(path: Path, other: Path) -> bool:
    if path.exists() and other.exists():
        return path.samefile(other)
    return path.absolute() == other.absolute()


def _refuse_unwritable(path: Path) -> None:
    """Refuses to write a file over a folder or a device, which a link may lead to."""
    if path.is_dir():
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():
        raise VistokError(f"cannot write {path}: it is a device, not a file. Name a file.")


def _concerns(filename: object, path: Path) -> bool:
    """Returns whether `filename` is `path`, what is staged for it, or a folder above it."""
    if not isinstance(filename, str):
        return False
    folder, about = path.parent.absolute(), Path(filename).absolute()
    if not about.is_relative_to(folder):
        return folder.is_relative_to(about)
    first = about.relative_to(folder).parts[:1]
    return not first or first[0] == path.name or first[0].startswith(f".{path.name}.")


def _unwritable(path: Path, reason: str | None, *, full: bool, folder: bool = False) -> VistokError:
    remedy = "Free some space" if full else f"Make {path.parent} a folder that can be written to"
    if folder:
        remedy = "A folder is there, and a file is to be written: name another path"
    return VistokError(
        f"cannot write {path}: {reason}. Nothing was left half-written. {remedy}, then start the same "
        "command again."
    )


def write_text(path: Path, text: str, *, durable: bool = False) -> None:
    """Writes a text file as UTF-8, whole or not at all."""
    with staged_file(path, durable=durable) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, value: object) -> None:
    """Writes a JSON file with sorted keys: the same value gives the same bytes."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def write_jsonl(path: Path, rows: list[dict[str, Any]], *, durable: bool = False) -> None:
    """Writes a JSON Lines file, one object per line."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), durable=durable)


def no_folder(path: Path) -> str:
    """Returns what is wrong with a path that is not a folder, to follow its name in a sentence."""
    return "is a file, not a folder" if path.exists() else "does not exist"


def digest_bytes(data: bytes) -> str:
    """Returns the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """Returns the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_value(value: object) -> str:
    """Returns the SHA-256 of a JSON-like value, whatever the order of its keys."""
    return digest_bytes(json.dumps(value, sort_keys=True).encode())
