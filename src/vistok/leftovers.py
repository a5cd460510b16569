"""Temporary files of killed writes: a lock tells them from writes in progress, and the next write removes them."""

import fcntl
import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

SUFFIX: Final = ".part"
LOCK: Final = "lock"
_RANDOM: Final = r"[a-z0-9_]{8}"  # what `tempfile` puts into a name
_YOUNG: Final = 60.0  # seconds: a file just created may not be locked yet


def claim(handle: int) -> None:
    """Marks a staged path as being written, until the handle is closed or its process ends, however it ends."""
    with suppress(OSError):  # a file system without locks: nothing on it is ever cleared
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def clear_leftovers(path: Path) -> None:
    """Removes the temporary files that killed writes of `path` left next to it; those of a running process stay.

    Where a kill came between taking the old folder away and putting the new one in its place, the old one is
    put back.
    """
    staged = re.compile(re.escape(f".{path.name}.") + _RANDOM + re.escape(SUFFIX))
    for name in os.listdir(path.parent):  # noqa: PTH208 -- names alone: hundreds of files are written into one folder
        if name.startswith(".") and staged.fullmatch(name):
            with suppress(OSError):  # another process may be clearing it too
                _clear(path.parent / name, path)


def _clear(staged: Path, path: Path) -> None:
    if time.time() - staged.stat().st_mtime < _YOUNG or not _is_dead(staged):
        return
    if not staged.is_dir():
        staged.unlink()
        return
    if (staged / "old").exists() and not path.exists():
        (staged / "old").replace(path)
    shutil.rmtree(staged)


def _is_dead(staged: Path) -> bool:
    """Returns whether no process holds the lock of a staged path; False where that cannot be determined."""
    lock = staged / LOCK if staged.is_dir() else staged
    try:
        with lock.open("rb+") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:  # killed before it could take a lock
        return True
    except OSError:
        return False
    return True
