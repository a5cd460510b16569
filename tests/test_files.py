"""Files appear whole or not at all, whatever goes wrong; readers say what is wrong."""

import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from vistok.errors import VistokError
from vistok.files import (
    digest_bytes,
    digest_file,
    digest_value,
    staged_file,
    staged_folder,
    write_json,
    write_jsonl,
    write_text,
)
from vistok.reading import read_json, read_jsonl


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture
def little_space() -> Iterator[None]:
    """No file of this process may grow beyond 4 KiB: the system then refuses to write, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB, where the machine lets us mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine does not let us mount a small file system")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_file_appears_with_its_folders(tmp_path: Path) -> None:
    write_text(tmp_path / "a/b/c.txt", "é\n")
    assert (tmp_path / "a/b/c.txt").read_bytes() == "é\n".encode()
    assert names(tmp_path) == ["a", "a/b", "a/b/c.txt"]
    assert (tmp_path / "a/b/c.txt").stat().st_mode & 0o777 == 0o644


def test_a_file_is_not_there_before_it_is_whole(tmp_path: Path) -> None:
    with staged_file(tmp_path / "c.txt") as partial:
        partial.write_text("half")
        assert partial.parent == tmp_path
        assert not (tmp_path / "c.txt").exists()
    assert names(tmp_path) == ["c.txt"]


@pytest.mark.parametrize("error", [RuntimeError("no"), KeyboardInterrupt(), SystemExit(143)])
def test_what_goes_wrong_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    write_text(tmp_path / "c.txt", "old")
    with pytest.raises(type(error)), staged_file(tmp_path / "c.txt") as partial:
        partial.write_text("half")
        raise error
    assert names(tmp_path) == ["c.txt"]
    assert (tmp_path / "c.txt").read_text() == "old"


@pytest.mark.parametrize("error", [RuntimeError("no"), KeyboardInterrupt(), SystemExit(143)])
def test_what_goes_wrong_leaves_the_old_folder(tmp_path: Path, error: BaseException) -> None:
    write_text(tmp_path / "made/old.txt", "old")
    with pytest.raises(type(error)), staged_folder(tmp_path / "made") as partial:
        write_text(partial / "new.txt", "half")
        raise error
    assert names(tmp_path) == ["made", "made/old.txt"]


def test_a_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    write_text(tmp_path / "made/old.txt", "old")
    with staged_folder(tmp_path / "made") as partial:
        write_text(partial / "new.txt", "new")
        assert names(tmp_path / "made") == ["old.txt"]
    assert names(tmp_path) == ["made", "made/new.txt"]


def test_a_file_where_the_folder_should_be_is_replaced(tmp_path: Path) -> None:
    write_text(tmp_path / "made", "a file")
    with staged_folder(tmp_path / "made") as partial:
        (partial / "new.txt").touch()
    assert names(tmp_path) == ["made", "made/new.txt"]


@pytest.mark.parametrize("staged", [staged_file, staged_folder])
@pytest.mark.parametrize("relative", [True, False])
def test_a_folder_that_cannot_be_made_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, staged, relative: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    root = Path() if relative else tmp_path
    write_text(root / "results", "a file where a folder is needed")
    with pytest.raises(VistokError, match=r"cannot write .*results/mini/x") as refused:
        staged(root / "results/mini/x").__enter__()
    assert "Make" in str(refused.value)
    assert "start the same command again" in str(refused.value)
    assert names(tmp_path) == ["results"]


@pytest.mark.parametrize("relative", [True, False])
def test_a_folder_in_the_place_of_a_file_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relative: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    path = (Path() if relative else tmp_path) / "x.json"
    (path / "kept").mkdir(parents=True)
    with pytest.raises(VistokError, match=r"cannot write .*x\.json: Is a directory.* A folder is there"):
        write_json(path, {})
    assert names(tmp_path) == ["x.json", "x.json/kept"]


@pytest.mark.parametrize("link", [False, True])
def test_a_device_is_not_replaced_by_a_file(tmp_path: Path, link: bool) -> None:
    device = tmp_path / "pipe"
    os.mkfifo(device)
    path = tmp_path / "out.json"
    path.symlink_to(device) if link else device.rename(path)
    with pytest.raises(VistokError, match=r"out\.json: it is a device, not a file"):
        write_json(path, {})
    assert path.is_fifo()
    assert path.is_symlink() == link


def test_a_link_to_a_file_is_replaced_and_its_target_stays(tmp_path: Path) -> None:
    """A version system may link an output into its cache."""
    cached, path = tmp_path / "cached.json", tmp_path / "out.json"
    cached.write_text("cached")
    path.symlink_to(cached)
    write_json(path, {})
    assert (cached.read_text(), path.read_text(), path.is_symlink()) == ("cached", "{}\n", False)


@pytest.mark.parametrize("name", ["x" * 300, "/proc/x.json"])
def test_a_name_that_no_file_can_have_is_explained(tmp_path: Path, name: str) -> None:
    with pytest.raises(VistokError, match="cannot write"):
        write_json(tmp_path / name, {})


@pytest.mark.skipif(os.getuid() == 0, reason="permission bits do not bind root")
def test_a_read_only_folder_is_explained(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(VistokError, match="Permission denied"):
        write_text(tmp_path / "x.txt", "x")
    tmp_path.chmod(0o755)


def test_a_disk_without_space_is_explained(tmp_path: Path, little_space: None) -> None:
    write_text(tmp_path / "x.txt", "old")
    with pytest.raises(VistokError, match=r"cannot write .*x\.txt: File too large.*Free some space"):
        write_text(tmp_path / "x.txt", "x" * 5000)
    assert names(tmp_path) == ["x.txt"]
    assert (tmp_path / "x.txt").read_text() == "old"


def test_a_disk_without_space_is_explained_in_a_folder(tmp_path: Path, little_space: None) -> None:
    write_text(tmp_path / "made/old.txt", "old")
    said = r"cannot write .*made: File too large.*Free some space"
    with pytest.raises(VistokError, match=said), staged_folder(tmp_path / "made") as partial:
        (partial / "new.bin").write_bytes(bytes(5000))
    assert names(tmp_path) == ["made", "made/old.txt"]


def test_a_library_that_runs_out_of_space_is_explained(tmp_path: Path, little_space: None) -> None:
    said = r"cannot write .*made: File too large.*Free some space"
    with pytest.raises(VistokError, match=said), staged_folder(tmp_path / "made") as partial:
        save_file({"a": torch.zeros(5000)}, partial / "model.safetensors")
    assert names(tmp_path) == []


def test_a_full_disk_is_explained(full_disk: Path) -> None:
    write_text(full_disk / "x.txt", "old")
    with pytest.raises(VistokError, match=r"cannot write .*x\.txt: No space left on device.*Free some space"):
        write_text(full_disk / "x.txt", "x" * 100_000)
    said = "No space left on device"
    with pytest.raises(VistokError, match=said), staged_folder(full_disk / "made") as partial:
        save_file({"a": torch.zeros(50_000)}, partial / "model.safetensors")
    assert names(full_disk) == ["x.txt"]
    assert (full_disk / "x.txt").read_text() == "old"


def test_an_error_about_another_file_passes_unchanged(tmp_path: Path) -> None:
    for wrong in (tmp_path / "elsewhere.txt", tmp_path / "sub/x.txt", Path("/nowhere/x.txt")):
        with pytest.raises(FileNotFoundError), staged_file(tmp_path / "x.txt"):
            wrong.read_bytes()
    with pytest.raises(OSError, match="cannot identify image"), staged_folder(tmp_path / "x"):
        raise OSError("cannot identify image file")
    assert names(tmp_path) == []


def test_json_has_one_form(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": [1.5, None, "é"]})
    write_json(tmp_path / "b.json", {"a": [1.5, None, "é"], "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert read_json(tmp_path / "a.json", what="numbers") == {"a": [1.5, None, "é"], "b": 1}


def test_json_lines_come_back(tmp_path: Path) -> None:
    rows = [{"answer": "two\u2028lines\x85 and\n more"}, {"answer": "ß"}]
    write_jsonl(tmp_path / "a.jsonl", rows)
    assert len((tmp_path / "a.jsonl").read_bytes().splitlines()) == 2
    assert read_jsonl(tmp_path / "a.jsonl", what="answers") == rows
    write_jsonl(tmp_path / "none.jsonl", [])
    assert read_jsonl(tmp_path / "none.jsonl", what="answers") == []


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o027, 0o000])
def test_permissions_follow_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        write_text(tmp_path / "a", "x")
        with staged_folder(tmp_path / "made") as partial:
            (partial / "b").touch()
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o666 & ~mask
    assert (tmp_path / "made/b").stat().st_mode & 0o777 == 0o666 & ~mask
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o777 & ~mask


def test_digests(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    # The example of FIPS 180-4.
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest_bytes(b"abc") == digest_file(tmp_path / "abc") == known
    assert digest_value({"a": 1, "b": [2]}) == digest_value({"b": [2], "a": 1})
    assert digest_value({"a": 1}) != digest_value({"a": "1"})


def test_a_folder_behind_a_link_is_made_where_the_link_leads(tmp_path: Path) -> None:
    large, link = tmp_path / "large/checkpoint", tmp_path / "checkpoint"
    large.mkdir(parents=True)
    (large / "old").touch()
    link.symlink_to(large)
    with staged_folder(link) as partial:
        (partial / "new").touch()
    assert link.is_symlink() and [path.name for path in large.iterdir()] == ["new"]
    assert [path.name for path in (tmp_path / "large").iterdir()] == ["checkpoint"]
