"""Reads and writes the pinned content digest of a data folder, in the form that DVC keeps it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from vistok.errors import VistokError
from vistok.files import write_text

PINS = Path("data.dvc")


def folder_digest(folder: Path) -> str:
    """Returns DVC's digest of a folder: the MD5 of the sorted list of its files' MD5s and relative paths."""
    listing = [
        {"md5": _md5(path), "relpath": path.relative_to(folder).as_posix()}
        for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).parts)
        if path.is_file()
    ]
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"


def pinned_digest(pins: Path, folder: Path) -> str | None:
    """Returns the digest that a DVC file pins for a folder; None if it pins none."""
    return next((out["md5"] for out in _outs(pins) if Path(out["path"]) == folder), None)


def pin(pins: Path, folder: Path) -> str:
    """Writes the digest, size and number of files of a folder into a DVC file, and returns the digest."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    entry = {
        "md5": folder_digest(folder),
        "size": sum(path.stat().st_size for path in files),
        "nfiles": len(files),
        "hash": "md5",
        "path": folder.as_posix(),
    }
    outs = [out for out in _outs(pins) if Path(out["path"]) != folder] + [entry]
    write_text(pins, yaml.safe_dump({"outs": outs}, sort_keys=False))
    return str(entry["md5"])


def _outs(pins: Path) -> list[dict[str, Any]]:
    if not pins.is_file():
        return []
    value = yaml.safe_load(pins.read_text(encoding="utf-8"))
    match value:
        case {"outs": [*outs]}:
            return [dict(out) for out in outs]
    raise VistokError(f"{pins} is no DVC file: a list 'outs' is needed. Restore it: git checkout {pins}.")


def _md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
