"""Progress of long commands, on standard error: first after five seconds, then less and less often."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

PATIENCE: Final = 5.0
_stages: Final[list[str]] = []


@contextmanager
def stage(what: str) -> Iterator[None]:
    """Names the work inside, such as `scoring 500 captions`, for the progress line."""
    _stages.append(what)
    try:
        yield
    finally:
        _stages.remove(what)


@contextmanager
def told_while(name: str, *, shown: bool = True, patience: float = PATIENCE) -> Iterator[None]:
    """Reports, while the work inside runs, the seconds so far and the innermost stage.

    Args:
        name: of the work, in front of each line.
        shown: whether anything is told.
        patience: seconds until the first line; each next one comes when twice the time has passed.
    """
    if not shown:
        yield
        return
    done = threading.Event()
    teller = threading.Thread(target=_tell, args=(name, patience, done), daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


def _tell(name: str, patience: float, done: threading.Event) -> None:
    started, wait = time.monotonic(), patience
    while not done.wait(wait):
        passed = time.monotonic() - started
        doing = next(reversed(_stages.copy()), "at work")
        print(f"{name}: {doing}, {passed:.0f} s so far", file=sys.stderr, flush=True)
        wait = passed
