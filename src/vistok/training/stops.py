"""Requests to stop: a cluster's before its time limit (SIGTERM), or a terminal's that was closed (SIGHUP)."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

STOPS: Final = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Yields a list that fills when the process is asked to stop; what `nohup` ignores stays ignored."""
    requests: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        requests.append(number)

    heard = [number for number in STOPS if number != signal.SIGHUP or not _ignored(number)]
    before = {number: signal.signal(number, note) for number in heard}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignored(number: int) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN


@contextmanager
def deaf_children() -> Iterator[None]:
    """Has processes that are started meanwhile hear no request to stop.

    A cluster asks every process of a job. What helps the process that saves must outlive its save.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
