"""One writer per output: a lock held by the writing process, released when it ends, however it ends."""

import errno
import fcntl
import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from vistok.errors import VistokError

LOCKS: Final = Path("state/locks")


@contextmanager
def only_writer(out: Path) -> Iterator[None]:
    """Ensures that no other process writes `out` meanwhile, on this machine or on another that shares the folder.

    Where the file system has no locks, it says so and goes on.

    Raises:
        VistokError: another process is writing it.
    """
    file = LOCKS / f"{out.as_posix().lstrip('/')}.lock"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _busy(out, file) from error
        except OSError as error:
            print(
                f"vistok: the file system of {file} has no locks ({os.strerror(error.errno or errno.ENOLCK)}): "
                f"only you can keep a second process from writing {out} too.",
                file=sys.stderr,
            )
        stream.truncate(0)
        stream.write(json.dumps({"host": platform.node(), "pid": os.getpid()}))
        stream.flush()
        yield


def _busy(out: Path, file: Path) -> VistokError:
    try:
        holder = json.loads(file.read_text(encoding="utf-8"))
        who = f"process {int(holder['pid'])} on {str(holder['host'])!r}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"
    return VistokError(
        f"{who} is writing {out}, and two writers would corrupt it. Wait until it ends, or stop it, then "
        "start the same command again."
    )
