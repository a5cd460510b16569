"""A download goes on from where it broke off, and never joins two versions of a file."""

import random
from pathlib import Path
from typing import Any

import pytest

from vistok.errors import VistokError
from vistok.planning.download import ATTEMPTS, download

CONTENT = random.Random(0).randbytes(300_000)


@pytest.fixture
def url(site: Any) -> str:
    site.files["/a.zip"] = CONTENT
    return f"{site.url}/a.zip"


def test_a_file_comes_whole(site: Any, url: str, tmp_path: Path) -> None:
    download(url, tmp_path / "archives/a.zip", size=len(CONTENT))
    assert (tmp_path / "archives/a.zip").read_bytes() == CONTENT
    assert site.asked == [None]


@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_a_broken_connection_is_taken_up_again(site: Any, url: str, tmp_path: Path, size: int | None) -> None:
    site.cuts = [100_000, 50_000]
    download(url, tmp_path / "a.zip", size=size)
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert site.asked == [None, "bytes=100000-", "bytes=150000-"]


def test_the_next_call_goes_on_from_what_an_earlier_one_left(site: Any, url: str, tmp_path: Path) -> None:
    site.cuts = [120_000] + [0] * ATTEMPTS
    with pytest.raises(VistokError, match=r"stopped after 120,000 bytes: .*the same command again to go on"):
        download(url, tmp_path / "a.zip", size=len(CONTENT))
    assert (tmp_path / "a.zip").read_bytes() == CONTENT[:120_000]
    site.asked.clear()
    download(url, tmp_path / "a.zip", size=len(CONTENT))
    assert site.asked == ["bytes=120000-"]
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_starts_anew(site: Any, url: str, tmp_path: Path) -> None:
    site.cuts = [100_000] + [0] * ATTEMPTS
    with pytest.raises(VistokError, match="stopped after"):
        download(url, tmp_path / "a.zip")
    site.files["/a.zip"], site.tags["/a.zip"] = CONTENT[::-1], '"2"'
    download(url, tmp_path / "a.zip")
    assert site.asked[-1] == "bytes=100000-"
    assert (tmp_path / "a.zip").read_bytes() == CONTENT[::-1]


def test_a_server_without_ranges_sends_it_all_again(site: Any, url: str, tmp_path: Path) -> None:
    site.ranges, site.cuts = False, [100_000]
    download(url, tmp_path / "a.zip", size=len(CONTENT))
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


def test_a_whole_file_is_not_fetched_again(site: Any, url: str, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(CONTENT)
    download(url, tmp_path / "a.zip", size=len(CONTENT))
    assert site.asked == []
    download(url, tmp_path / "a.zip")
    assert site.asked == [f"bytes={len(CONTENT)}-"]
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_a_file_that_is_too_long_starts_anew(site: Any, url: str, tmp_path: Path, size: int | None) -> None:
    (tmp_path / "a.zip").write_bytes(CONTENT + b"more")
    download(url, tmp_path / "a.zip", size=size)
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


def test_another_size_than_stated_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(VistokError, match=r"offers 300,000 bytes, 299,999 are stated.*downloads\.yaml"):
        download(url, tmp_path / "a.zip", size=len(CONTENT) - 1)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_refusal_is_told_at_once(site: Any, url: str, tmp_path: Path, status: int) -> None:
    site.status = status
    with pytest.raises(VistokError, match=rf"the server answers {status} .*--archive FILE"):
        download(url, tmp_path / "a.zip")
    assert len(site.asked) == 1
    assert not (tmp_path / "a.zip").exists()


def test_a_server_in_trouble_is_asked_again_a_few_times(site: Any, url: str, tmp_path: Path) -> None:
    site.status = 503
    with pytest.raises(VistokError, match=r"stopped after 0 bytes: .*503"):
        download(url, tmp_path / "a.zip")
    assert len(site.asked) == ATTEMPTS


def test_no_server_is_told(tmp_path: Path) -> None:
    with pytest.raises(VistokError, match="refused"):
        download("http://127.0.0.1:9/a.zip", tmp_path / "a.zip")
