"""What kill -9 leaves beside a file or folder goes with the next write of it, and nothing else does."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vistok.files import staged_file, staged_folder, write_text

LONG_AGO = 3600


def staged_by_another(path: Path, kind: str, *, after: str = "") -> subprocess.Popen[str]:
    """Starts a process that stages `path` and then sleeps; it has begun to write when this returns."""
    code = f"""
import os, sys, time
from pathlib import Path
from vistok.files import staged_file, staged_folder
with {kind}(Path({str(path)!r})) as partial:
    (partial if partial.is_file() else partial / "new.txt").write_text("half")
    {after}
    print("staged", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "staged\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def hidden(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(".")]


def age(path: Path) -> None:
    os.utime(path, (time.time() - LONG_AGO,) * 2)


def write(path: Path, kind: str) -> None:
    if kind == "staged_file":
        write_text(path, "whole")
    else:
        with staged_folder(path) as partial:
            write_text(partial / "new.txt", "whole")


KINDS = pytest.mark.parametrize("kind", ["staged_file", "staged_folder"])


@KINDS
def test_the_next_write_clears_what_a_kill_left(tmp_path: Path, kind: str) -> None:
    end(staged_by_another(tmp_path / "made", kind))
    (left,) = hidden(tmp_path)
    age(left)
    write(tmp_path / "made", kind)
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


@KINDS
def test_what_another_process_is_writing_stays(tmp_path: Path, kind: str) -> None:
    process = staged_by_another(tmp_path / "made", kind)
    try:
        (left,) = hidden(tmp_path)
        age(left)
        write(tmp_path / "made", kind)
        assert hidden(tmp_path) == [left]
    finally:
        end(process)


@KINDS
def test_what_is_young_stays(tmp_path: Path, kind: str) -> None:
    end(staged_by_another(tmp_path / "made", kind))
    before = hidden(tmp_path)
    write(tmp_path / "made", kind)
    assert hidden(tmp_path) == before


@pytest.mark.parametrize(
    "name",
    [".other.abcdefgh.part", ".made.abcdefgh", ".made.part", ".made.x.abcdefgh.part", "made.abcdefgh.part"],
)
def test_other_files_stay(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    age(tmp_path / name)
    write_text(tmp_path / "made", "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "made"])


def test_an_old_folder_that_a_kill_left_aside_is_put_back(tmp_path: Path) -> None:
    made = tmp_path / "made"
    write_text(made / "old.txt", "old")
    end(staged_by_another(made, "staged_folder", after=f"os.rename({str(made)!r}, partial.parent / 'old')"))
    (left,) = hidden(tmp_path)
    age(left)
    with pytest.raises(RuntimeError), staged_folder(made):
        raise RuntimeError("this write fails too")
    assert (made / "old.txt").read_text() == "old"
    assert hidden(tmp_path) == []


def test_a_write_leaves_no_handle_open(tmp_path: Path) -> None:
    handles = Path("/proc/self/fd")
    before = len(list(handles.iterdir()))
    for _ in range(3):
        write(tmp_path / "a", "staged_file")
        write(tmp_path / "b", "staged_folder")
        with pytest.raises(RuntimeError), staged_file(tmp_path / "a"):
            raise RuntimeError
    assert len(list(handles.iterdir())) == before
