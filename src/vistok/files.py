"""Files that appear whole or not at all, and readers that say what is wrong with a file."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vistok.errors import VistokError


@contextmanager
def staged_file(path: Path) -> Iterator[Path]:
    """Yields a path beside `path` to write to; renames it onto `path` if the block ends well.

    Raises:
        VistokError: the disk is full, or the folder cannot be written.
    """
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
    partial = Path(name)
    try:
        with _explained(path):
            yield partial
            partial.chmod(0o644)
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def staged_folder(path: Path) -> Iterator[Path]:
    """Yields an empty folder beside `path` to fill; puts it in the place of `path` if the block ends well."""
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        with _explained(path):
            yield partial
            partial.chmod(0o755)
            if path.exists():
                shutil.rmtree(path)
            partial.replace(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.filename and not str(error.filename).startswith(str(path.parent)):
            raise
        raise VistokError(
            f"cannot write {path}: {error.strerror}. Nothing was left half-written. "
            "Free some space or make the folder writable, then start the same command again."
        ) from error


def write_text(path: Path, text: str) -> None:
    with staged_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, value: object) -> None:
    write_text(path, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def read_json(path: Path, *, what: str) -> Any:
    """Returns the JSON value in `path`; `what` names the file's role in the error text.

    Raises:
        VistokError: the file is missing, or is not JSON.
    """
    try:
        return json.loads(read_bytes(path, what=what))
    except ValueError as error:
        raise VistokError(
            f"{path} ({what}) is not valid JSON: {error}. It may be truncated: fetch or make it again."
        ) from error


def read_jsonl(path: Path, *, what: str) -> list[dict[str, Any]]:
    """Returns the objects of a JSON Lines file, one a line."""
    rows = []
    for number, line in enumerate(read_bytes(path, what=what).decode("utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise VistokError(f"{path} ({what}), line {number}, is not valid JSON: {error}.") from error
        if not isinstance(row, dict):
            raise VistokError(f"{path} ({what}), line {number}: a JSON object is needed, found {line[:60]!r}.")
        rows.append(row)
    return rows


def read_bytes(path: Path, *, what: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise VistokError(f"{what} not found: {path}. Check the path, or the scale's data_root.") from error


def digest_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """Returns the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_value(value: object) -> str:
    """Returns the SHA-256 of a JSON-like value, whatever the order of its keys."""
    return digest_bytes(json.dumps(value, sort_keys=True).encode())
