import gzip
from pathlib import Path

import pytest

from vistok.datasets.official import read_official, records
from vistok.errors import VistokError


def test_dropped_keys_are_gone_at_every_depth(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": [{"segmentation": [1], "id": 2}], "segmentation": 3}')
    assert read_official(path, what="file", drop=frozenset({"segmentation"})) == {"a": [{"id": 2}]}
    assert read_official(path, what="file")["segmentation"] == 3


def test_gzip_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(gzip.compress(b'{"a": 1}'))
    assert read_official(path, what="file") == {"a": 1}


@pytest.mark.parametrize("kept", [0, 1, 9, 15, 40])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: int) -> None:
    whole = gzip.compress(b'{"annotations": [1, 2, 3]}', mtime=0)
    assert kept < len(whole)
    path = tmp_path / "annotations.json.gz"
    path.write_bytes(whole[:kept])
    with pytest.raises(VistokError, match="truncated: fetch or make it again"):
        read_official(path, what="COCO instances file")


def test_a_damaged_gzip_is_refused(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(b'{"annotations": [1, 2, 3]}', mtime=0))
    whole[14] ^= 0xFF
    path = tmp_path / "annotations.json.gz"
    path.write_bytes(whole)
    with pytest.raises(VistokError, match="not valid JSON"):
        read_official(path, what="COCO instances file")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VistokError, match=r"COCO instances file cannot be read: .*No such file.*data_root"):
        read_official(tmp_path / "absent.json", what="COCO instances file")
    with pytest.raises(VistokError, match="Is a directory"):
        read_official(tmp_path, what="COCO instances file")


def test_records_names_what_was_found_instead() -> None:
    path = Path("f.json")
    assert records(path, {"images": [{"id": 1}]}, "images", what="file") == [{"id": 1}]
    with pytest.raises(VistokError, match="a list 'images' is needed, found a JSON list"):
        records(path, [], "images", what="COCO instances file")
    with pytest.raises(VistokError, match="keys info, questions"):
        records(path, {"info": {}, "questions": []}, "images", what="COCO instances file")
    with pytest.raises(VistokError, match=r"images, record 1: a JSON object is needed, found 7"):
        records(path, {"images": [{}, 7]}, "images", what="COCO instances file")
