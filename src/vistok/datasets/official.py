"""The records of official annotation files, JSON and CSV, and the errors for wrong ones."""

import csv
import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from vistok.errors import VistokError
from vistok.reading import GZIP, kind_of, refuse_endless

_HEAD: Final = 512  # bytes that show what kind of file it is
# Python takes true for 1: an id of true would be that of image 1.
_WHOLE: Final = frozenset({"id", "image_id", "category_id", "question_id", "coco_id", "height", "width"})


def records(path: Path, value: object, key: str, *, what: str) -> list[dict[str, Any]]:
    """Returns the list of objects under `key` of a file's top-level object.

    Raises:
        VistokError: the value is not an object, or has no such list.
    """
    description = f"a JSON {type(value).__name__}"
    if isinstance(value, dict):
        description = f"an object with the keys {', '.join(map(str, value)) or 'none'}"
        if isinstance(rows := value.get(key), list):
            return _objects(path, f"{key}, record", rows)
    raise VistokError(
        f"{path} is no {what}: an object with a list {key!r} is needed, found {description}. "
        "Name the official file of this kind."
    )


def listed(path: Path, value: object, *, what: str) -> list[dict[str, Any]]:
    """Returns the objects of a file whose top-level value is a list.

    Raises:
        VistokError: the value is not a list of objects.
    """
    if isinstance(value, list):
        return _objects(path, "record", value)
    raise VistokError(
        f"{path} is no {what}: a JSON list is needed, found {type(value).__name__}. "
        "Name the official file of this kind."
    )


def _objects(path: Path, where: str, rows: list[Any]) -> list[dict[str, Any]]:
    for position, row in enumerate(rows):
        if not isinstance(row, dict):
            raise wrong_record(path, f"{where} {position}", "a JSON object is", row)
        if bool in map(type, row.values()):
            for key in sorted(_WHOLE & row.keys()):
                if isinstance(row[key], bool):
                    raise wrong_record(path, f"{where} {position}", f"a number as {key} is", row)
    return rows


def read_lines(path: Path, *, what: str) -> Iterator[list[str]]:
    """Yields the cells of each non-empty line of a CSV file, the header included.

    The file may be gzipped, and in UTF-8 or, by its byte order mark, in UTF-16 or UTF-32.

    Raises:
        VistokError: the file is missing, unreadable, or no CSV.
    """
    try:
        refuse_endless(path, what=what)
        with path.open("rb") as file:
            packed = file.peek(len(GZIP)).startswith(GZIP)
            if not packed and (kind := kind_of(file.peek(_HEAD))):
                raise VistokError(
                    f"{path} ({what}) is not CSV: it is {kind}. Name another file, or fetch or make it again."
                )
            stream = gzip.GzipFile(fileobj=file) if packed else file
            encoding = json.detect_encoding(stream.peek(4)[:4])
            with io.TextIOWrapper(stream, encoding, newline="") as text:
                yield from filter(None, csv.reader(text, strict=True))
    except (csv.Error, UnicodeDecodeError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise VistokError(
            f"{path} ({what}) is not valid CSV: {error}. Fetch or make the file again."
        ) from error
    except OSError as error:
        raise VistokError(
            f"{what} cannot be read: {path}: {error.strerror}. "
            "Legal: a .csv file. Check the path, or the scale's data_root."
        ) from error


def refuse_duplicates(path: Path, where: str, key: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Refuses records that share an id: one of them would be lost, or counted twice.

    Raises:
        VistokError: two records have the same id.
    """
    counts = Counter(_plain(row[key]) for row in rows if row.get(key) is not None)
    if repeated := [name for name, count in counts.items() if count > 1]:
        raise VistokError(
            f"{path}, {where}: {len(repeated)} values of {key} occur more than once (first: {repeated[0]}), and each "
            "record needs its own. Joined files repeat ids: number them again, or fetch or make the file again."
        )


def _plain(key: object) -> str:
    """Returns an id as text: 1, 1.0 and "1" are one."""
    return str(int(key) if isinstance(key, float) and key.is_integer() else key)


def wrong_record(path: Path, where: str, needed: str, value: object) -> VistokError:
    """Returns the error for one record of a file that lacks what it must have."""
    return VistokError(
        f"{path}, {where}: {needed} needed, found {str(value)[:160]}. Fetch or make the file again."
    )
