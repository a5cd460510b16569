"""One writer per output, held by the process that writes."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vistok.errors import VistokError
from vistok.locks import only_writer

HOLD = """
import time
from pathlib import Path
from vistok.locks import only_writer
with only_writer(Path("checkpoints/a")):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def holder() -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_writer_is_refused_until_the_first_ends_in_any_way() -> None:
    process = holder()
    try:
        busy = rf"process {process.pid} on '.+' is writing checkpoints/a"
        with pytest.raises(VistokError, match=busy), only_writer(Path("checkpoints/a")):
            raise AssertionError("it was let in")
        with only_writer(Path("checkpoints/b")):
            pass
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    with only_writer(Path("checkpoints/a")):
        pass


def test_a_file_system_without_locks_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none(stream: object, how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", none)
    with only_writer(Path("checkpoints/a")):
        pass
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "vistok: the file system of state/locks/checkpoints/a.lock has no locks (No locks available)"
    )
