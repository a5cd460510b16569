"""Reads and writes the pinned content digest of a data folder, in the form that DVC keeps it."""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import yaml

from vistok.errors import VistokError
from vistok.files import write_text

PINS: Final = Path("data.dvc")
TIMESTAMP: Final = ".snakemake_timestamp"  # in the folders that Snakemake makes; .dvcignore names it too


def folder_digest(folder: Path) -> str:
    """Returns DVC's digest of a folder: the MD5 of the sorted list of its files' MD5s and relative paths."""
    return _listing_digest(_files(folder))


def content_digest(path: Path) -> str:
    """Returns DVC's digest of a file or a folder."""
    return folder_digest(path) if path.is_dir() else _md5(path)


def pinned_digest(pins: Path, folder: Path) -> str | None:
    """Returns the digest that a DVC file pins for a folder; None if it pins none.

    Raises:
        VistokError: the file is not a DVC file.
    """
    return pinned_digests(pins).get(folder)


def pinned_digests(pins: Path) -> dict[Path, str]:
    """Returns all that a DVC file pins, by path.

    Raises:
        VistokError: the file is not a DVC file.
    """
    return {Path(out["path"]): out["md5"] for out in _read(pins)["outs"] if "md5" in out}


def pin(pins: Path, folder: Path) -> str:
    """Writes the digest, size and number of files of a folder into a DVC file, and returns the digest.

    Raises:
        VistokError: the file is not a DVC file, or cannot be written.
    """
    files = _files(folder)
    content = _read(pins)
    before: dict[str, Any] = next((out for out in content["outs"] if Path(out["path"]) == folder), {})
    entry = {
        **before,
        "md5": _listing_digest(files),
        "size": sum(path.stat().st_size for path in files.values()),
        "nfiles": len(files),
        "hash": "md5",
        "path": folder.as_posix(),
    }
    others = [out for out in content["outs"] if Path(out["path"]) != folder]
    outs = sorted([*others, entry], key=lambda out: str(out["path"]))
    write_text(pins, yaml.safe_dump({**content, "outs": outs}, sort_keys=False))
    return str(entry["md5"])


def _files(folder: Path) -> dict[str, Path]:
    """Returns a folder's files by their path below it, sub-folders included."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != TIMESTAMP)
    return {path.relative_to(folder).as_posix(): path for path in files}


def _listing_digest(files: dict[str, Path]) -> str:
    listing = [{"md5": _md5(path), "relpath": name} for name, path in sorted(files.items())]
    return (
        hashlib.md5(json.dumps(listing, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"
    )


def _read(pins: Path) -> dict[str, Any]:
    if not pins.is_file():
        return {"outs": []}
    try:
        value = yaml.safe_load(pins.read_bytes())
    except yaml.YAMLError:
        value = None
    match value:
        case {"outs": [*outs]} if all(isinstance(out, dict) and "path" in out for out in outs):
            return dict(value)
    raise VistokError(f"{pins} is not a DVC file: a list 'outs' is needed. Restore it: git checkout {pins}.")


def _md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
