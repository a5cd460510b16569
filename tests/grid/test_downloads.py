"""The table of official archives: every entry can be had, and covers what the paper scale reads."""

from pathlib import Path
from typing import Any

import pytest

from vistok.errors import VistokError
from vistok.grid.downloads import downloads_for, find_download, load_downloads
from vistok.grid.load import load_study
from vistok.grid.needs import question_files, training_files


@pytest.fixture(scope="module")
def known(repository: Path) -> dict[str, Any]:
    return load_downloads(repository)


def test_every_file_that_the_paper_scale_reads_has_a_download(
    repository: Path, known: dict[str, Any]
) -> None:
    study = load_study("paper", root=repository)
    runs = [run for run in study.runs() if run.tokenizer in {"clip", "clip-20m"}]
    wanted = [*question_files(study), *training_files(study, runs)]
    assert len(wanted) > 15
    assert [path for path in wanted if not downloads_for(path, known)] == []


def test_no_two_downloads_hold_the_same(known: dict[str, Any]) -> None:
    held = [path for entry in known.values() for path in entry.holds]
    assert len(held) == len(set(held))


def test_what_a_download_holds_is_where_it_goes(known: dict[str, Any]) -> None:
    for entry in known.values():
        assert all(Path(path).is_relative_to(entry.into) for path in entry.holds), entry.id


def test_parts_have_an_address_each(known: dict[str, Any]) -> None:
    assert len(known["objects365-train-v1"].urls) == 16
    assert len(known["objects365-train-v2"].urls) == 35
    assert known["vcr-images"].urls == ()
    urls = [url for entry in known.values() for url in entry.urls]
    assert len(urls) == len(set(urls))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "https://example.org/a.zip; rm -rf ~"}, "url"),
        ({"url": "https://example.org/.."}, "url"),
        ({"url": None}, "`agreement` must say"),
        ({"url": "https://example.org/{part}.zip"}, "go together"),
        ({"parts": [0, 3]}, "of one archive"),
        ({"sha256": "12ab"}, "sha256"),
        ({"bytes": 0}, "bytes"),
        ({"into": "../elsewhere"}, "into"),
        ({"holds": ["/etc"]}, "holds"),
        ({"holds": []}, "holds"),
        ({"name": "../x"}, "name"),
        ({"urll": "x"}, "Did you mean 'url'"),
    ],
)
def test_a_wrong_entry_is_refused(checkout: Any, changes: dict[str, object], message: str) -> None:
    checkout.edit("grid/downloads.yaml", lambda entries: entries["coco-val2017"].update(changes))
    with pytest.raises(VistokError, match=r"downloads\.yaml, entry 'coco-val2017'") as refused:
        load_downloads(checkout.root)
    assert message in str(refused.value)


@pytest.mark.parametrize("hostile", ["../up", "x; rm -rf ~", "$(id)", "a b", ""])
def test_a_hostile_id_is_refused(checkout: Any, hostile: str) -> None:
    checkout.edit("grid/downloads.yaml", lambda entries: entries.update({hostile: entries["coco-val2017"]}))
    with pytest.raises(VistokError, match="an id is lower-case letters and digits"):
        load_downloads(checkout.root)


def test_an_unknown_download_names_the_nearest(known: dict[str, Any]) -> None:
    with pytest.raises(VistokError, match=r"unknown download 'coco-val-2017'\. Did you mean 'coco-val2017'"):
        find_download("coco-val-2017", known)
