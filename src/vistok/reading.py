"""Bytes, text and JSON of any file: unpacked and decoded within limits, or refused by what they are."""

import gzip
import io
import json
import re
import stat
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from vistok.errors import VistokError

GZIP: Final = b"\x1f\x8b"
# Annotations compress to about a tenth; deflate compresses zeros a thousandfold.
_LARGEST_RATIO: Final = 100
_ALWAYS_FINE: Final = 1 << 26
_PIECE: Final = 1 << 20
_STREAMS: Final = ("/dev/stdin", "/dev/fd/", "/proc/")
_MAGIC: Final = (
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"BZh", "a bzip2 file: unpack it first"),
    (b"\xfd7zXZ", "an xz file: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd file: unpack it first"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook of the old kind (XLS): save it as XLSX or CSV"),
    (b"version https://git-lfs", "a pointer of Git LFS: run git lfs pull where it comes from"),
    (b"\x80\x02", "a pickle, which vistok never reads"),
    (b"\x80\x03", "a pickle, which vistok never reads"),
    (b"\x80\x04", "a pickle, which vistok never reads"),
    (b"\x80\x05", "a pickle, which vistok never reads"),
)
_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")


def read_bytes(path: Path, *, what: str) -> bytes:
    """Returns the bytes of a file; `what` names its role in the error text.

    Raises:
        VistokError: the file is missing, cannot be read, or is a pipe or a device, which may never end.
    """
    try:
        refuse_endless(path, what=what)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise VistokError(f"{what} not found: {path}. Check the path, or the scale's data_root.") from error
    except OSError as error:
        raise VistokError(f"{what} cannot be read: {path}: {error.strerror}.") from error


def refuse_endless(path: Path, *, what: str) -> None:
    """Refuses pipes and devices, which may never end; standard input is accepted.

    Raises:
        VistokError: it is one.
        OSError: there is nothing at the path.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or str(path).startswith(_STREAMS)):
        raise VistokError(f"{what} cannot be read: {path} is a pipe or a device. Name a file.")


def read_data(path: Path, *, what: str) -> bytes:
    """Returns the bytes of a file, unpacked where they are gzipped.

    Raises:
        VistokError: see `read_bytes`; or the packed data is truncated, damaged, or unpacks to a hundred times its size.
    """
    data = read_bytes(path, what=what)
    return _unpacked(data, path, what) if data.startswith(GZIP) else data


def _unpacked(data: bytes, path: Path, what: str) -> bytes:
    packed, pieces, size = io.BytesIO(data), list[bytes](), 0
    try:
        with gzip.GzipFile(fileobj=packed) as stream:
            while piece := stream.read(_PIECE):
                pieces.append(piece)
                size += len(piece)
                if size > max(_ALWAYS_FINE, _LARGEST_RATIO * packed.tell()):
                    raise VistokError(
                        f"{path} ({what}) is a gzip file that unpacks to more than {_LARGEST_RATIO} times its size, "
                        "as no annotations or answers do. Unpack it first, if it is right."
                    )
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        cause = "It may be truncated" if isinstance(error, EOFError) else "It is damaged"
        raise VistokError(
            f"{path} ({what}) is not a whole gzip file: {error}. {cause}: fetch or make it again."
        ) from error
    return b"".join(pieces)


def read_text(path: Path, *, what: str) -> str:
    """Returns the text of a file, plain or gzipped, in UTF-8 or, by its mark, in UTF-16 or UTF-32.

    A byte order mark is not part of the text.

    Raises:
        VistokError: see `read_data`, or the file is no text.
    """
    return decoded(read_data(path, what=what), path, what=what)


def decoded(data: bytes, path: Path, *, what: str) -> str:
    """Returns bytes of a file as text, see `read_text`."""
    if kind := kind_of(data):
        inside = " inside a gzip file" if data.startswith(GZIP) else ""
        raise VistokError(
            f"{path} ({what}) is not text: it is {kind}{inside}. Name another file, or fetch or make it again."
        )
    encoding = json.detect_encoding(data)
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise VistokError(
            f"{path} ({what}), line {line}, is not text in {encoding.upper()}: {error.reason} "
            f"(byte 0x{data[error.start]:02x}). Save it as UTF-8, or fetch or make it again."
        ) from error


def read_json(path: Path, *, what: str, drop: frozenset[str] = frozenset()) -> Any:
    """Returns the JSON value of a file, plain or gzipped.

    Args:
        path: the file.
        what: names its role in the error text.
        drop: keys of objects that are dropped while parsing, such as COCO's polygons, which take gigabytes.

    Raises:
        VistokError: see `read_text`, or the text is not valid JSON, see `parse_json`.
    """
    text = read_text(path, what=what)
    try:
        return parse_json(text, drop=drop)
    except ValueError as error:
        raise not_json(path, what, text, error) from error


def read_jsonl(path: Path, *, what: str) -> list[dict[str, Any]]:
    """Returns the objects of a JSON Lines file, plain or gzipped, one per line.

    Raises:
        VistokError: see `read_text`, or a line is not a JSON object.
    """
    return parse_jsonl(read_text(path, what=what), path, what=what)


def parse_jsonl(text: str, path: Path, *, what: str) -> list[dict[str, Any]]:
    """Returns the objects of the lines of a text from a file.

    Raises:
        VistokError: a line is not a JSON object.
    """
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = parse_json(line)
        except ValueError as error:
            raise not_json(path, what, line, error, line=number) from error
        if not isinstance(row, dict):
            raise VistokError(
                f"{path} ({what}), line {number}: a JSON object is needed, found {line.strip()[:60]!r}."
            )
        rows.append(row)
    return rows


def parse_json(text: str, *, drop: frozenset[str] = frozenset()) -> Any:
    """Returns the value of a JSON text, in which no object repeats a key and no string holds half a surrogate pair.

    Raises:
        ValueError: the text is not valid JSON, or is nested too deep.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            raise ValueError(f"the key {_twin(pairs)!r} stands twice in one object, and either may be meant")
        return {key: entry for key, entry in value.items() if key not in drop} if drop else value

    try:
        value = json.loads(text, object_pairs_hook=unique)
        if _HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        raise ValueError(f"half a character (\\u{ord(half):04x}) stands in a text") from error
    return value


def json_values(text: str) -> Iterator[str]:
    """Yields the JSON texts that stand one behind the other in a text.

    Raises:
        ValueError: it is something else, or nested too deep.
    """
    decoder, start = json.JSONDecoder(), 0
    while rest := text[start : start + 1]:
        if rest.isspace():
            start += 1
            continue
        try:
            _, end = decoder.raw_decode(text, start)
        except RecursionError as error:
            raise ValueError("it is nested too deep") from error
        yield text[start:end]
        start = end


def _twin(pairs: Iterable[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    return next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]


def not_json(path: Path, what: str, text: str, error: ValueError, *, line: int | None = None) -> VistokError:
    """Returns the error for text that is not valid JSON; it says "truncated" only where it ends within a value."""
    where = f", line {line}," if line else ""
    cut = isinstance(error, json.JSONDecodeError) and (
        error.pos >= len(text.rstrip()) or error.msg.startswith(("Unterminated", "Invalid \\u"))
    )
    cause = "It may be truncated" if cut else "It is damaged"
    if not text.strip("\0 \t\r\n"):
        cause = "It holds nothing but zeros" if "\0" in text else "It is empty"
    elif text.lstrip()[:15].lower().startswith(("<!doctype", "<html", "<?xml")):
        cause = "It is a web page"
    return VistokError(f"{path} ({what}){where} is not valid JSON: {error}. {cause}: fetch or make it again.")


def kind_of(data: bytes) -> str:
    """Returns what a binary file is by its first bytes; nothing for text."""
    if data.startswith(b"PK\x03\x04"):
        return "an Excel workbook (XLSX)" if b"xl/" in data[-4096:] + data[:4096] else "a zip archive"
    if data[257:262] == b"ustar":
        return "a tar archive"
    if data.startswith(GZIP):
        return "a gzip file"
    return next((kind for magic, kind in _MAGIC if data.startswith(magic)), "")
