"""Snakemake's metadata in `.snakemake`: what each output was made from, in Snakemake's own file format.

Without an entry Snakemake judges an output by its modification time alone, and accepts what another version of the
study made. So entries travel with the results, and are valid only while the modification times agree.
"""

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from vistok.files import write_json
from vistok.pins import TIMESTAMP
from vistok.reading import read_json

Entry = dict[str, Any]
_FOLDER: Final = Path(".snakemake")
_ENTRIES: Final = _FOLDER / "metadata"
_INCOMPLETE: Final = _FOLDER / "incomplete"
_LONGEST_NAME: Final = 254  # one less than file systems allow, as Snakemake cuts names


def entries(outs: Iterable[Path]) -> dict[str, Entry]:
    """Returns the entries of the outputs that are one of `outs` or lie in one, by output."""
    files = {_output(path): path for path in _ENTRIES.rglob("*") if path.is_file()}
    named = {name: path for name, path in files.items() if below(name, outs)}
    return {name: read_json(path, what="Snakemake's metadata") for name, path in named.items()}


def below(output: str, outs: Iterable[Path]) -> bool:
    """Returns whether an output is one of `outs`, or lies in one."""
    path = Path(output)
    return ".." not in path.parts and any(path.is_relative_to(out) for out in outs)


def write_entry(output: str, entry: Entry) -> None:
    """Records in Snakemake's metadata what an output was made from, and that it is complete."""
    write_json(_file(_ENTRIES, output), entry)
    _file(_INCOMPLETE, output).unlink(missing_ok=True)
    carrier = _time_carrier(Path(output))
    carrier.touch()
    os.utime(carrier, (entry["endtime"], entry["endtime"]))


def is_of(output: str, entry: Entry | None) -> bool:
    """Returns whether the file at `output` is the one an entry describes: it has the same modification time."""
    carrier = _time_carrier(Path(output))
    if entry is None or not carrier.exists():
        return False
    return abs(carrier.stat().st_mtime - float(entry["endtime"])) < 1e-3


def mark_incomplete(path: Path) -> None:
    """Makes Snakemake rebuild an output, or all outputs below a folder."""
    for output in (path, *path.rglob("*")):
        marker = _file(_INCOMPLETE, output.as_posix())
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.write_text(json.dumps({"external_jobid": None}))


def _time_carrier(output: Path) -> Path:
    return output / TIMESTAMP if output.is_dir() else output


def _file(folder: Path, output: str) -> Path:
    name = urlsafe_b64encode(output.encode()).decode()
    chunks = [name[start : start + _LONGEST_NAME] for start in range(0, len(name), _LONGEST_NAME)]
    return folder.joinpath(*(f"@{chunk}" for chunk in chunks[:-1]), chunks[-1])


def _output(file: Path) -> str:
    name = "".join(part.removeprefix("@") for part in file.relative_to(_ENTRIES).parts)
    return urlsafe_b64decode(name).decode()
