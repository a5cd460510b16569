"""A change of any listed file is noticed: by its size or time at once, by its bytes where they are read."""

import json
import os
from pathlib import Path

import pytest

from vistok.datasets.digest_list import DigestList
from vistok.errors import VistokError


@pytest.fixture
def photographs(tmp_path: Path) -> DigestList:
    """Three listed photographs, one of them in a sub-folder."""
    source = tmp_path / "coco/val2017"
    (source / "more").mkdir(parents=True)
    for number, name in enumerate(("1.jpg", "2.jpg", "more/3.jpg")):
        (source / name).write_bytes(bytes([number]) * 10)
    listed = DigestList(source, tmp_path / "digests/coco/val2017.json")
    listed.write()
    return listed


def test_what_is_as_listed_has_no_differences(photographs: DigestList) -> None:
    assert photographs.differences() == photographs.changed_content() == []
    assert photographs.seems_unchanged()
    summary = json.loads(photographs.summary.read_text())
    assert (summary["files"], summary["bytes"]) == (3, 30)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda folder: (folder / "1.jpg").unlink(), "1.jpg is gone"),
        (lambda folder: (folder / "more/4.jpg").touch(), "more/4.jpg is new"),
        (lambda folder: (folder / "2.jpg").write_bytes(b"longer than it was"), "2.jpg has changed"),
        (lambda folder: os.utime(folder / "more/3.jpg", (1, 1)), "more/3.jpg has changed"),
    ],
)
def test_a_change_is_a_difference(photographs: DigestList, change: object, expected: str) -> None:
    assert callable(change)
    change(photographs.source)
    (difference,) = photographs.differences()
    assert difference.endswith(expected)


def test_other_bytes_of_the_same_size_and_time_are_noticed_where_they_are_read(
    photographs: DigestList,
) -> None:
    file = photographs.source / "2.jpg"
    before = file.stat()
    file.write_bytes(b"\x01" * 9 + b"\x03")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert photographs.differences() == []
    (found,) = photographs.changed_content()
    assert found == f"{file} has other bytes, at the same size and time"


def test_the_summary_follows_contents_and_not_times(photographs: DigestList) -> None:
    written = photographs.summary.stat().st_mtime_ns
    digest = photographs.write()
    for file in photographs.source.rglob("*.jpg"):
        os.utime(file, (1, 1))
    assert photographs.differences() and photographs.write() == digest
    assert photographs.differences() == []
    assert photographs.summary.stat().st_mtime_ns == written, "what reads it must not run anew"
    (photographs.source / "1.jpg").write_bytes(b"other")
    assert photographs.write() != digest


def test_only_what_is_new_is_read_again(photographs: DigestList) -> None:
    """A list with a false digest keeps it for as long as size and time are the same."""
    lines = photographs.lines.read_text().splitlines()
    row = json.loads(lines[1])
    photographs.lines.write_text("\n".join([lines[0], json.dumps([*row[:3], "0" * 64]), *lines[2:]]) + "\n")
    photographs.write()
    assert json.loads(photographs.lines.read_text().splitlines()[1])[3] == "0" * 64


def test_a_single_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    listed = DigestList(tmp_path / "a.json", tmp_path / "digests/a.json.json")
    listed.write()
    assert listed.seems_unchanged() and listed.differences() == []
    (tmp_path / "a.json").write_text("{ }")
    assert not listed.seems_unchanged()
    assert listed.differences() == [f"{tmp_path / 'a.json'} has changed"]


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    elsewhere, source = tmp_path / "elsewhere", tmp_path / "set"
    elsewhere.mkdir()
    source.mkdir()
    (elsewhere / "1.jpg").write_bytes(b"1")
    (source / "part").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(source)
    listed = DigestList(source, tmp_path / "set.json")
    listed.write()
    assert json.loads(listed.summary.read_text())["files"] == 1
    (elsewhere / "2.jpg").write_bytes(b"2")
    assert listed.differences() == [f"{source / 'part/2.jpg'} is new"]


def test_what_is_not_listed_differs_in_nothing(tmp_path: Path) -> None:
    listed = DigestList(tmp_path, tmp_path / "none.json")
    assert listed.seems_unchanged() and listed.differences() == listed.changed_content() == []


def test_a_broken_list_is_refused(photographs: DigestList) -> None:
    photographs.lines.write_text('{"modified": 1}\n["1.jpg", 1')
    with pytest.raises(VistokError, match="is not a list of files"):
        photographs.differences()
    photographs.lines.write_text("no JSON")
    assert not photographs.seems_unchanged()


def test_a_broken_summary_is_written_anew(photographs: DigestList) -> None:
    whole, digest = photographs.summary.read_bytes(), photographs.write()
    for broken in (whole[:-9], b"\xff" + whole[1:]):
        photographs.summary.write_bytes(broken)
        assert photographs.write() == digest
        assert photographs.summary.read_bytes() == whole


def test_a_source_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VistokError, match="nothing is not there"):
        DigestList(tmp_path / "nothing", tmp_path / "nothing.json").write()
