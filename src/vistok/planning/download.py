"""Fetches one file over HTTP, resuming an interrupted fetch."""

import http.client
import re
import time
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from vistok.errors import VistokError
from vistok.files import write_text

ATTEMPTS: Final = 5  # in a row without a single new byte
PAUSE: Final = 2.0  # seconds after the first failure, twice as long after each further one
TIMEOUT: Final = 60.0  # seconds without a byte
_CHUNK: Final = 1 << 20
_RANGE: Final = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


def download(url: str, file: Path, *, size: int | None = None) -> None:
    """Fetches `url` into `file`, which may hold the first part of it already.

    `<file>.tag` keeps the server's ETag of this version, so that parts of two versions are never joined.

    Args:
        size: how many bytes it must have, where that is stated.

    Raises:
        VistokError: the server refuses, gives another size, or does not answer; or the disk is full. What has
            been fetched stays in `file` for the next call.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    failures = 0
    while not (size is not None and _bytes_on_disk(file) == size):
        before = _bytes_on_disk(file)
        try:
            if _fetch_rest(url, file, size):
                break
            failure: Exception | str = "the connection broke off"
        except HTTPError as error:
            error.close()
            if error.code < 500 and error.code not in (408, 429):
                raise _refused(url, f"the server answers {error.code} ({error.reason})") from error
            failure = error
        except (OSError, http.client.HTTPException) as error:
            failure = error
        failures = 0 if _bytes_on_disk(file) > before else failures + 1
        if failures >= ATTEMPTS:
            raise VistokError(
                f"{url}: stopped after {_bytes_on_disk(file):,} bytes: {failure}. They are kept: start the same "
                "command again to go on from there."
            )
        time.sleep(PAUSE * 2 ** max(failures - 1, 0))


def _fetch_rest(url: str, file: Path, size: int | None) -> bool:
    """Appends what is missing; returns whether the file is whole.

    Raises:
        OSError, HTTPException: the connection failed; what came is in the file.
    """
    offset = _bytes_on_disk(file)
    if size is not None and offset > size:
        file.unlink()
        offset = 0
    try:
        answer = urlopen(Request(url, headers=_headers(file, offset)), timeout=TIMEOUT)
    except HTTPError as error:
        if error.code != 416:
            raise
        return _is_whole(error, file, offset)
    with answer:
        goes_on = answer.status == http.client.PARTIAL_CONTENT
        first, total = _promised(answer, goes_on)
        if goes_on and first != offset:
            raise OSError(f"the server sends from byte {first}, asked from {offset}")
        if size is not None and total is not None and total != size:
            raise _refused(url, f"the server offers {total:,} bytes, {size:,} are stated")
        write_text(_tag(file), answer.headers.get("ETag") or answer.headers.get("Last-Modified") or "")
        _append(answer, file, fresh=not goes_on)
    return total is None or _bytes_on_disk(file) == total


def _is_whole(error: HTTPError, file: Path, offset: int) -> bool:
    """Returns whether an unservable range starts at the very end; if not, the download starts again."""
    with error:
        match = _RANGE.fullmatch(error.headers.get("Content-Range") or "")
    if match and match[2] == str(offset):
        return True
    file.unlink(missing_ok=True)
    return False


def _headers(file: Path, offset: int) -> dict[str, str]:
    headers = {"User-Agent": "vistok", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        tag = _tag(file).read_text(encoding="utf-8") if _tag(file).is_file() else ""
        if tag and not tag.startswith("W/"):  # If-Range takes no weak ETag
            headers["If-Range"] = tag
    return headers


def _promised(answer: Any, goes_on: bool) -> tuple[int, int | None]:
    """Returns the first byte of a response, and the size of the whole file where it is stated."""
    if not goes_on:
        length = answer.headers.get("Content-Length")
        return 0, int(length) if length else None
    match = _RANGE.fullmatch(answer.headers.get("Content-Range") or "")
    if not match or match[1] is None:
        raise OSError("the server sends a part without saying which")
    return int(match[1]), None if match[2] == "*" else int(match[2])


def _append(answer: Any, file: Path, *, fresh: bool) -> None:
    with file.open("wb" if fresh else "ab") as stream:
        while chunk := answer.read(_CHUNK):
            try:
                stream.write(chunk)
                stream.flush()
            except OSError as error:
                raise VistokError(
                    f"cannot write {file}: {error.strerror}. Free some space; the same command then goes on."
                ) from error


def _bytes_on_disk(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0


def _tag(file: Path) -> Path:
    return file.with_name(f"{file.name}.tag")


def _refused(url: str, what: str) -> VistokError:
    return VistokError(
        f"{url}: {what}. Its owner may have moved or changed it: fix the entry in workflow/grid/downloads.yaml, "
        "or fetch the file yourself and name it: vistok fetch ID --archive FILE"
    )
