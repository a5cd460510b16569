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
def reporting(name: str, *, shown: bool = True, patience: float = PATIENCE) -> Iterator[None]:
    """Reports the seconds so far and the innermost stage while the work inside runs.

    Args:
        name: of the work, at the start of each line.
        shown: whether anything is printed.
        patience: seconds until the first line; each next one comes when twice the time has passed.
    """
    if not shown:
        yield
        return
    done = threading.Event()
    reporter = threading.Thread(target=_report, args=(name, patience, done), daemon=True)
    reporter.start()
    try:
        yield
    finally:
        done.set()
        reporter.join()


def _report(name: str, patience: float, done: threading.Event) -> None:
    started, wait = time.monotonic(), patience
    while not done.wait(wait):
        passed = time.monotonic() - started
        doing = next(reversed(_stages.copy()), "at work")
        print(f"{name}: {doing}, {passed:.0f} s so far", file=sys.stderr, flush=True)
        wait = passed
