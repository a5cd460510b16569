"""From a server to files below a data root: verified, resumed, recorded; nothing that is wrong is ever used."""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from tests.planning.test_unpack import make_tar, make_zip

from vistok.cli import main
from vistok.commands import fetch as fetch_command
from vistok.errors import VistokError
from vistok.grid.downloads import Download
from vistok.planning import fetch as fetching
from vistok.planning.fetch import fetch, is_fetched, marker

MEMBERS = {"val2017/1.jpg": b"one", "val2017/2.jpg": b"two"}
Made = tuple[Download, bytes]


def entry(url: str, **changes: Any) -> Download:
    """Returns an entry of downloads.yaml; `url` may be a whole address or nothing."""
    given = {
        "id": "coco-val2017",
        "label": "photographs",
        "url": url or None,
        "into": "coco",
        "holds": ["coco/val2017"],
        "licence": "test",
        "source": "test",
    }
    return Download.model_validate({**given, **changes})


@pytest.fixture
def served(site: Any, tmp_path: Path) -> Made:
    """A zip on the server, and its entry with bytes and hash as stated."""
    content = make_zip(tmp_path / "val2017.zip", MEMBERS).read_bytes()
    (tmp_path / "val2017.zip").unlink()
    site.files["/val2017.zip"] = content
    stated = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return entry(f"{site.url}/val2017.zip", **stated), content


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_an_archive_is_fetched_verified_unpacked_and_recorded(served: Made, tmp_path: Path) -> None:
    download, content = served
    fetch(download, tmp_path)
    kept = [
        "archives/coco-val2017.lock",
        "archives/unpacking.lock",
        "coco/val2017/1.jpg",
        "coco/val2017/2.jpg",
        "fetched/coco-val2017.json",
    ]
    assert files(tmp_path) == kept
    assert is_fetched(download, tmp_path)
    assert json.loads(marker(download, tmp_path).read_text()) == {
        "id": "coco-val2017",
        "url": download.url,
        "archives": {"val2017.zip": {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}},
    }


def test_what_is_there_is_not_fetched_again(served: Made, site: Any, tmp_path: Path) -> None:
    fetch(served[0], tmp_path)
    record = marker(served[0], tmp_path).read_bytes()
    fetch(served[0], tmp_path)
    assert len(site.asked) == 1
    assert marker(served[0], tmp_path).read_bytes() == record


def test_what_was_laid_there_by_hand_is_taken_as_it_is(served: Made, site: Any, tmp_path: Path) -> None:
    (tmp_path / "coco/val2017").mkdir(parents=True)
    fetch(served[0], tmp_path)
    assert site.asked == []
    assert json.loads(marker(served[0], tmp_path).read_text())["archives"] == {}


def test_an_interrupted_fetch_goes_on(served: Made, site: Any, tmp_path: Path) -> None:
    download, _content = served
    site.cuts = [40] + [0] * 5
    with pytest.raises(VistokError, match="stopped after 40 bytes"):
        fetch(download, tmp_path)
    assert not is_fetched(download, tmp_path)
    fetch(download, tmp_path)
    assert site.asked[-1] == "bytes=40-"
    assert (tmp_path / "coco/val2017/2.jpg").read_bytes() == b"two"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": "0" * 64}, "has the sha256 .*, 0{64} is stated"),
        ({"sha256": "0" * 8}, "has the sha256 .*, 00000000 is stated"),
    ],
)
def test_another_hash_is_refused(served: Made, tmp_path: Path, changes: dict[str, str], message: str) -> None:
    with pytest.raises(VistokError, match=f"{message}.*It was removed"):
        fetch(served[0].model_copy(update=changes), tmp_path)
    assert not (tmp_path / "coco").exists()
    assert not [name for name in files(tmp_path) if name.endswith(".zip")]
    fetch(served[0], tmp_path)
    assert is_fetched(served[0], tmp_path)


def test_the_first_digits_of_a_hash_suffice(served: Made, tmp_path: Path) -> None:
    fetch(served[0].model_copy(update={"sha256": str(served[0].sha256)[:8]}), tmp_path)
    assert is_fetched(served[0], tmp_path)


def test_a_truncated_file_on_the_server_is_refused(served: Made, site: Any, tmp_path: Path) -> None:
    site.files["/val2017.zip"] = served[1][:-10]
    with pytest.raises(VistokError, match=r"bytes, .* are stated"):
        fetch(served[0], tmp_path)
    with pytest.raises(VistokError, match="is not a whole archive"):
        fetch(entry(str(served[0].url)), tmp_path)
    assert not (tmp_path / "coco").exists()


def test_a_hostile_archive_is_refused(site: Any, tmp_path: Path) -> None:
    content = make_zip(tmp_path / "bad.zip", {"val2017/1.jpg": b"1", "../../up.txt": b"up"}).read_bytes()
    site.files["/bad.zip"] = content
    with pytest.raises(VistokError, match="leads out of its folder"):
        fetch(entry(f"{site.url}/bad.zip"), tmp_path / "deep/root")
    assert not list(tmp_path.rglob("up.txt"))
    assert not (tmp_path / "deep/root/coco").exists()


def test_an_archive_with_another_content_is_refused(served: Made, tmp_path: Path) -> None:
    with pytest.raises(VistokError, match=r"coco/train2017 is not in it\. Fix `into` and `holds`"):
        fetch(served[0].model_copy(update={"holds": ("coco/train2017",)}), tmp_path)
    assert not marker(served[0], tmp_path).exists()


def test_a_file_that_is_no_archive_is_placed_under_its_name(site: Any, tmp_path: Path) -> None:
    site.files["/gt.json"] = b"{}"
    about = {"into": "coco/karpathy", "name": "captions.json", "holds": ["coco/karpathy/captions.json"]}
    fetch(entry(f"{site.url}/gt.json", **about), tmp_path)
    assert (tmp_path / "coco/karpathy/captions.json").read_bytes() == b"{}"


def test_parts_that_are_unpacked_are_not_fetched_again(site: Any, tmp_path: Path) -> None:
    for part in range(3):
        made = make_tar(tmp_path / "part.tar.gz", {f"patch{part}/{part}.jpg": bytes([part])})
        site.files[f"/patch{part}.tar.gz"] = made.read_bytes()
    (tmp_path / "part.tar.gz").unlink()
    held = [f"o365/patch{part}" for part in range(3)]
    parts = entry(f"{site.url}/patch{{part}}.tar.gz", parts=[0, 2], into="o365", holds=held)
    last = site.files.pop("/patch2.tar.gz")
    with pytest.raises(VistokError, match="404"):
        fetch(parts, tmp_path)
    assert not is_fetched(parts, tmp_path)
    site.files["/patch2.tar.gz"] = last
    fetch(parts, tmp_path)
    assert len(site.asked) == 4
    assert [*json.loads(marker(parts, tmp_path).read_text())["archives"]] == [
        f"patch{n}.tar.gz" for n in range(3)
    ]


def test_what_needs_an_agreement_says_how_and_takes_the_file(served: Made, tmp_path: Path) -> None:
    by_hand = entry("", agreement="Accept the licence at https://example.org.", sha256=served[0].sha256)
    with pytest.raises(VistokError, match=r"Accept the licence.* vistok fetch coco-val2017 --archive FILE"):
        fetch(by_hand, tmp_path)
    mine = tmp_path / "mine.zip"
    with pytest.raises(VistokError, match=r"mine\.zip not found"):
        fetch(by_hand, tmp_path, archive=mine)
    mine.write_bytes(b"another file")
    with pytest.raises(VistokError, match="Fetch it again"):
        fetch(by_hand, tmp_path, archive=mine)
    assert mine.exists(), "what the user brought is never removed"
    mine.write_bytes(served[1])
    fetch(by_hand, tmp_path, archive=mine)
    assert is_fetched(by_hand, tmp_path)
    assert mine.exists()


def test_two_fetches_at_once_are_refused(served: Made, tmp_path: Path) -> None:
    with (
        fetching._alone(served[0], tmp_path),
        pytest.raises(VistokError, match=r"another fetch .* is running"),
    ):
        fetch(served[0], tmp_path)


def test_the_verb_lists_and_refuses(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository)
    assert main(["fetch", "--data-root", str(tmp_path)]) == 0
    assert "coco-val2017" in capsys.readouterr().out
    for arguments, said in (
        (["coco-val2018"], "unknown download 'coco-val2018'. Did you mean 'coco-val2017'?"),
        (["vcr-images"], "https://visualcommonsense.com"),
        (["coco-val2017", "--scale", "mini"], "makes its own data"),
        (["../x"], "unknown download '../x'"),
    ):
        root = [] if "--scale" in arguments else ["--data-root", str(tmp_path)]
        assert main(["fetch", *arguments, *root]) == 1
        assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_verb_fetches(
    served: Made, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    monkeypatch.setattr(fetch_command, "load_downloads", lambda: {"coco-val2017": served[0]})
    asked = argparse.Namespace(
        id="coco-val2017", scale="paper", data_root=str(tmp_path), archive=None, keep_archives=True
    )
    assert fetch_command.run(asked) == 0
    assert (tmp_path / "archives/coco-val2017.val2017.zip").read_bytes() == served[1]
