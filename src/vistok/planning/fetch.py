"""Fetches an official archive: downloads, verifies and unpacks it below the data root, and records what it was."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from vistok.errors import VistokError
from vistok.files import digest_file, staged_file, write_json
from vistok.grid.downloads import Download, require_by_hand
from vistok.planning.download import download
from vistok.planning.units import readable_bytes
from vistok.planning.unpack import is_archive, unpack
from vistok.reading import read_json


def marker(entry: Download, root: Path) -> Path:
    """Returns the file that says that a download is there, with the size and hash of each of its archives."""
    return root / "fetched" / f"{entry.id}.json"


def is_fetched(entry: Download, root: Path) -> bool:
    """Returns whether all files of a download are there and no fetch of it is unfinished."""
    return all((root / name).exists() for name in entry.holds) and not _progress(entry, root).exists()


def fetch(entry: Download, root: Path, *, archive: Path | None = None, keep_archives: bool = False) -> None:
    """Puts a download below `root`; does nothing if it is already there.

    Args:
        archive: the file itself, where its owner gives it out by hand.

    Raises:
        VistokError: it cannot be downloaded, is not what its entry states, or is not an archive that can be unpacked.
    """
    if entry.url is None and archive is None and not is_fetched(entry, root):
        raise require_by_hand(entry)
    with _alone(entry, root):
        archives: dict[str, Any] = {}
        if not is_fetched(entry, root):
            archives = _fetch_all(entry, root, archive, keep_archives)
        _check_holds(entry, root)
        if archives or not marker(entry, root).is_file():
            write_json(marker(entry, root), {"id": entry.id, "url": entry.url, "archives": archives})
        _progress(entry, root).unlink(missing_ok=True)


def _fetch_all(entry: Download, root: Path, archive: Path | None, keep: bool) -> dict[str, Any]:
    """Fetches and unpacks each archive of a download; what an interrupted fetch has unpacked is not fetched again."""
    progress = _progress(entry, root)
    done: dict[str, Any] = read_json(progress, what="progress of a fetch") if progress.is_file() else {}
    for url in (None,) if archive else entry.urls:
        file = archive or root / "archives" / f"{entry.id}.{_name(url)}"
        name = _name(url) if url else file.name
        if name in done:
            continue
        write_json(progress, done)  # from here on the files are incomplete
        if url:
            print(f"{entry.id}: {url}", flush=True)
            download(url, file, size=entry.bytes)
        about = _verified(entry, file, own=archive is None)
        _install(entry, file, root, name)
        done[name] = about
        write_json(progress, done)
        if archive is None and not keep:
            file.unlink()
            file.with_name(f"{file.name}.tag").unlink(missing_ok=True)
    return done


def _verified(entry: Download, file: Path, *, own: bool) -> dict[str, Any]:
    """Returns the size and hash of a file.

    Raises:
        VistokError: they are not what the entry states; a file that was downloaded is then removed.
    """
    if not file.is_file():
        raise VistokError(f"{file} not found: name the file that you have fetched.")
    actual = {"bytes": file.stat().st_size, "sha256": digest_file(file)}
    wrong = []
    if entry.bytes not in (None, actual["bytes"]):
        wrong.append(f"has {actual['bytes']:,} bytes, {entry.bytes:,} are stated")
    if not str(actual["sha256"]).startswith(entry.sha256 or ""):
        wrong.append(f"has the sha256 {actual['sha256']}, {entry.sha256} is stated")
    if wrong:
        removed = " It was removed: start the same command again." if own else " Fetch it again."
        if own:
            file.unlink()
        raise VistokError(
            f"{file} is not what workflow/grid/downloads.yaml states: it {' and '.join(wrong)}.{removed}"
        )
    return actual


def _install(entry: Download, file: Path, root: Path, name: str) -> None:
    """Unpacks an archive, or copies a file that is none, into its folder."""
    if not is_archive(name):
        with staged_file(root / entry.into / (entry.name or name)) as partial:
            shutil.copyfile(file, partial)
        return
    with (root / "archives" / "unpacking.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # two archives may hold a folder of the same name
        unpack(file, root / entry.into)


def _check_holds(entry: Download, root: Path) -> None:
    if missing := [name for name in entry.holds if not (root / name).exists()]:
        raise VistokError(
            f"{entry.id} was fetched, but {root / missing[0]} is not in it. Fix `into` and `holds` of its entry in "
            "workflow/grid/downloads.yaml, or name another archive."
        )


@contextmanager
def _alone(entry: Download, root: Path) -> Iterator[None]:
    """Refuses a second fetch of the same download at the same time."""
    lock = root / "archives" / f"{entry.id}.lock"
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise VistokError(
            f"cannot write to {lock.parent}: {error.strerror}. Make it a folder that you own."
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise VistokError(f"another fetch of {entry.id} is running: wait until it ends.") from error
    finally:
        os.close(handle)


def _progress(entry: Download, root: Path) -> Path:
    return root / "archives" / f"{entry.id}.json"


def _name(url: str | None) -> str:
    return Path(unquote(urlsplit(url or "").path)).name


def state(entry: Download, root: Path) -> str:
    """Returns `there`, or how large a download is and how to get it."""
    size = readable_bytes(entry.bytes) if entry.bytes else "size not stated"
    how = ", after an agreement" if entry.agreement else ""
    return "there" if is_fetched(entry, root) else f"{size}{how if entry.url else ', by hand'}"
