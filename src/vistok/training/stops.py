"""Requests to stop: from a cluster before its time limit (SIGTERM), or from a closed terminal (SIGHUP)."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

STOPS: Final = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Yields a list that is filled when the process is asked to stop; signals that `nohup` ignores stay ignored."""
    requests: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        requests.append(number)

    signals = [number for number in STOPS if number != signal.SIGHUP or not _ignored(number)]
    before = {number: signal.signal(number, note) for number in signals}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignored(number: int) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN


@contextmanager
def deaf_children() -> Iterator[None]:
    """Makes processes started inside ignore requests to stop.

    A cluster signals every process of a job, and data-loader workers must outlive the save.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
