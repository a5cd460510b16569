"""Pins are DVC's own: the digests agree, and DVC reads the files that are written here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from vistok.errors import VistokError
from vistok.files import write_text
from vistok.pins import folder_digest, pin, pinned_digest

# Names whose order as texts is not their order as paths, sub-folders, equal contents, an empty file and folder.
NAMES = ["a/b", "a.b", "a-b/c", "a b", "a/b.c/d", "A", "é/ü", "a/0", "z", "z.d/z", "a/.hidden"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "data/made"
    for name in NAMES:
        write_text(root / name, "same" if name.startswith("z") else name)
    write_text(root / "empty.txt", "")
    write_text(root / "lines.txt", "DVC once counted these\r\nas one\n")
    (root / "empty folder").mkdir()
    return root


def dvc(folder: Path, *arguments: str) -> str:
    environment = {
        **os.environ,
        "DVC_NO_ANALYTICS": "1",
        "DVC_GLOBAL_CONFIG_DIR": str(folder),
        "DVC_SYSTEM_CONFIG_DIR": str(folder),
        "DVC_SITE_CACHE_DIR": str(folder / ".site"),
    }
    command = [sys.executable, "-W", "ignore", "-m", "dvc", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_digest_is_that_of_dvc(folder: Path, tmp_path: Path) -> None:
    dvc(tmp_path, "init", "--no-scm")
    dvc(tmp_path, "add", "data/made")
    theirs = yaml.safe_load((tmp_path / "data/made.dvc").read_text())["outs"][0]
    digest = pin(tmp_path / "ours.dvc", folder)
    assert digest == theirs["md5"] == folder_digest(folder)
    ours = yaml.safe_load((tmp_path / "ours.dvc").read_text())["outs"][0]
    assert {key: value for key, value in ours.items() if key != "path"} == {
        key: value for key, value in theirs.items() if key != "path"
    }


def test_dvc_reads_what_is_pinned(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_text(Path("data/other/x"), "x")
    dvc(tmp_path, "init", "--no-scm")
    pin(Path("data.dvc"), Path("data/made"))
    pin(Path("data.dvc"), Path("data/other"))
    dvc(tmp_path, "commit", "--force", "data.dvc")
    assert "up to date" in dvc(tmp_path, "status")
    write_text(folder / "a/0", "changed")
    assert "modified" in dvc(tmp_path, "status")
    before = pinned_digest(Path("data.dvc"), Path("data/made"))
    assert pin(Path("data.dvc"), Path("data/made")) != before


def test_the_digest_is_of_names_and_contents_alone(folder: Path) -> None:
    before = folder_digest(folder)
    os.utime(folder / "z", (0, 0))
    (folder / "z").chmod(0o600)
    assert folder_digest(folder) == before
    (folder / "z").rename(folder / "y")
    assert folder_digest(folder) != before


def test_other_pins_and_words_are_kept(folder: Path, tmp_path: Path) -> None:
    pins = tmp_path / "data.dvc"
    other = {"md5": "1" * 32 + ".dir", "size": 1, "nfiles": 1, "hash": "md5", "path": "data/a"}
    pins.write_text(yaml.safe_dump({"desc": "kept", "outs": [other]}))
    digest = pin(pins, folder)
    assert pinned_digest(pins, folder) == digest
    assert pinned_digest(pins, Path("data/a")) == other["md5"]
    assert pinned_digest(pins, Path("data/b")) is None
    assert pin(pins, folder) == digest
    value = yaml.safe_load(pins.read_text())
    assert value["desc"] == "kept"
    assert sorted(out["path"] for out in value["outs"]) == sorted(["data/a", folder.as_posix()])


def test_nothing_is_pinned_where_there_are_no_pins(tmp_path: Path) -> None:
    assert pinned_digest(tmp_path / "data.dvc", Path("data/mini")) is None


@pytest.mark.parametrize("text", ["", "- a", "outs: 3", "outs: [1]", "outs: [{md5: a}]", "outs: [", "\x00"])
def test_what_is_no_dvc_file_is_refused(tmp_path: Path, text: str) -> None:
    pins = tmp_path / "data.dvc"
    pins.write_text(text)
    with pytest.raises(
        VistokError, match=r"data\.dvc is not a DVC file: a list 'outs' is needed\. Restore it: git"
    ):
        pinned_digest(pins, Path("data/mini"))
    with pytest.raises(VistokError, match="not a DVC file"):
        pin(pins, tmp_path)
    assert pins.read_text() == text


def test_the_projects_own_pins_are_read(repository: Path) -> None:
    digest = pinned_digest(repository / "data.dvc", Path("data/mini"))
    assert digest is not None
    assert digest.endswith(".dir")
