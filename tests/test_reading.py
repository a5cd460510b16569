"""Any file is read for what it is, within bounds, or refused in a sentence that names what it is."""

import gzip
import os
import time
import zipfile
from pathlib import Path

import pytest

from vistok.datasets.images import image_bytes, load_image
from vistok.datasets.official import read_lines
from vistok.errors import VistokError
from vistok.reading import read_bytes, read_json, read_jsonl, read_text


def test_dropped_keys_are_gone_at_every_depth(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": [{"segmentation": [1], "id": 2}], "segmentation": 3}')
    assert read_json(path, what="file", drop=frozenset({"segmentation"})) == {"a": [{"id": 2}]}
    assert read_json(path, what="file")["segmentation"] == 3


def test_gzip_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(gzip.compress(b'{"a": 1}', mtime=0))
    assert read_json(path, what="file") == {"a": 1}


@pytest.mark.parametrize("kept", [1, 9, 15, 40])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: int) -> None:
    content = gzip.compress(b'{"annotations": [1, 2, 3]}', mtime=0)
    assert kept < len(content)
    path = tmp_path / "annotations.json.gz"
    path.write_bytes(content[:kept])
    with pytest.raises(VistokError, match="truncated: fetch or make it again"):
        read_json(path, what="COCO instances file")


def test_a_damaged_gzip_is_refused(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(b'{"annotations": [1, 2, 3]}', mtime=0))
    whole[14] ^= 0xFF
    path = tmp_path / "annotations.json.gz"
    path.write_bytes(whole)
    with pytest.raises(VistokError, match=r"not a whole gzip file: .* is damaged: fetch or make it again"):
        read_json(path, what="COCO instances file")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VistokError, match=r"COCO instances file not found: .*absent\.json\..*data_root"):
        read_json(tmp_path / "absent.json", what="COCO instances file")
    with pytest.raises(VistokError, match="Is a directory"):
        read_json(tmp_path, what="COCO instances file")


def test_json_lines_of_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"id": 1}\r\n\r\n{"id": 2}\n\n')
    assert read_jsonl(tmp_path / "a.jsonl", what="answers") == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"id": 1}\n{"id": 2', r"a\.jsonl \(answers\), line 2, is not valid JSON: .*truncated"),
        (b'{"id": 1}\n[2]\n', r"a\.jsonl \(answers\), line 2: a JSON object is needed, found '\[2\]'"),
        (b'{"id": "\xff"}', "line 1, is not text in UTF-8"),
        (b"[" * 100_000, "line 1, is not valid JSON"),
    ],
)
def test_wrong_json_lines_are_refused(tmp_path: Path, text: bytes, message: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(text)
    with pytest.raises(VistokError, match=message):
        read_jsonl(tmp_path / "a.jsonl", what="answers")


@pytest.mark.parametrize("text", [b"", b"{", b'{"a": 1', b"<html>", b"[" * 100_000])
def test_wrong_json_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(
        VistokError, match=r"a\.json \(annotations\) is not valid JSON: .*fetch or make it again"
    ):
        read_json(tmp_path / "a.json", what="annotations")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        VistokError, match=r"annotations not found: .*a\.json\. Check the path, or the scale's"
    ):
        read_json(tmp_path / "a.json", what="annotations")
    with pytest.raises(VistokError, match=r"annotations cannot be read: .*: Is a directory"):
        read_bytes(tmp_path, what="annotations")


MARKS = {
    "utf-8": b"\xef\xbb\xbf",
    "utf-16-le": b"\xff\xfe",
    "utf-16-be": b"\xfe\xff",
    "utf-32-le": b"\xff\xfe\0\0",
    "utf-32-be": b"\0\0\xfe\xff",
}


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("encoding", MARKS)
def test_every_unicode_encoding_is_read_with_its_mark_or_without(
    tmp_path: Path, encoding: str, marked: bool
) -> None:
    (tmp_path / "a").write_bytes(
        MARKS[encoding] * marked + '{"id": 1, "a": "\u732b\U0001f431"}\n{"id": 2}\n'.encode(encoding)
    )
    rows = [{"id": 1, "a": "\u732b\U0001f431"}, {"id": 2}]
    assert read_jsonl(tmp_path / "a", what="answers") == rows
    assert read_text(tmp_path / "a", what="answers").startswith('{"id"')


def test_a_file_in_an_old_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("cat\nd\xf6g\n".encode("latin-1"))
    with pytest.raises(
        VistokError, match=r"a\.txt \(names\), line 2, is not text in UTF-8: .*byte 0xf6.*Save it as UTF-8"
    ):
        read_text(tmp_path / "a.txt", what="names")


@pytest.mark.parametrize(
    "text", ['{"id": 1, "a": 2, "id": 3}', '{"x": [{"a": {"id": 1, "id": 1}}]}', '{"\\u0069d": 1, "id": 2}']
)
def test_a_key_that_stands_twice_in_an_object_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a").write_text(text)
    for read in (read_json, read_jsonl):
        with pytest.raises(VistokError, match="the key 'id' stands twice in one object"):
            read(tmp_path / "a", what="answers")


@pytest.mark.parametrize("text", ['{"a": "\\ud83d"}', '{"a": ["\\ude00 x"]}', '{"a": "\\ude00\\ud83d"}'])
def test_half_a_character_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a").write_text(text)
    with pytest.raises(VistokError, match=r"not valid JSON: half a character \(\\u.*damaged"):
        read_json(tmp_path / "a", what="captions")
    (tmp_path / "a").write_text('{"a": "\\ud83d\\ude00 \\\\ud83d"}')
    assert read_json(tmp_path / "a", what="captions") == {"a": "\U0001f600 \\ud83d"}


FOREIGN = {
    b"%PDF-1.7": "a PDF",
    b"\x89PNG\r\n": "a PNG image",
    b"BZh91AY": "a bzip2 file",
    b"PAR1": "a Parquet file",
    b"\x80\x04\x95": "a pickle",
    b"version https://git-lfs.github.com/spec/v1\n": "a pointer of Git LFS",
    b"\xd0\xcf\x11\xe0": "an Excel workbook of the old kind",
    b"x" * 257 + b"ustar": "a tar archive",
    gzip.compress(b"{}", mtime=0): "a gzip file inside a gzip file",
}


@pytest.mark.parametrize("data", FOREIGN)
def test_a_file_of_another_kind_is_named_and_not_called_cut(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.json").write_bytes(gzip.compress(data, mtime=0))
    for read in (read_json, read_jsonl, read_text):
        with pytest.raises(VistokError, match=f"is not text: it is {FOREIGN[data]}") as refused:
            read(tmp_path / "a.json", what="answers")
        assert "truncated" not in str(refused.value)


def test_archives_and_workbooks_are_told_apart(tmp_path: Path) -> None:
    for member, kind in (("xl/workbook.xml", r"an Excel workbook \(XLSX\)"), ("a.json", "a zip archive")):
        with zipfile.ZipFile(tmp_path / "a", "w") as archive:
            archive.writestr(member, "{}")
        with pytest.raises(VistokError, match=f"it is {kind}"):
            read_json(tmp_path / "a", what="answers")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("<!DOCTYPE html><title>404</title>", "a web page"),
        ("\0" * 64, "nothing but zeros"),
        ("  \n", "is empty"),
        ("id,answer\n1,2\n", "is damaged"),
        ('{"id": 1,}', "is damaged"),
        ('{"id": 1', "may be truncated"),
        ('{"id": "on', "may be truncated"),
        ('["\\u12', "may be truncated"),
    ],
)
def test_only_what_ends_in_the_middle_may_be_cut(tmp_path: Path, text: str, cause: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(VistokError, match=f"is not valid JSON: .*{cause}: fetch or make it again"):
        read_json(tmp_path / "a.json", what="answers")


def test_a_gzip_bomb_is_refused_before_it_fills_memory(tmp_path: Path) -> None:
    started = time.monotonic()
    bomb = gzip.compress(bytes(1 << 28), compresslevel=9)
    packed = time.monotonic() - started
    (tmp_path / "a.json.gz").write_bytes(bomb)
    started = time.monotonic()
    with pytest.raises(VistokError, match="unpacks to more than 100 times its size"):
        read_json(tmp_path / "a.json.gz", what="annotations")
    assert time.monotonic() - started < max(packed, 1)
    dense = gzip.compress(b" " * (1 << 20))
    (tmp_path / "b.gz").write_bytes(dense * 4)
    assert len(read_text(tmp_path / "b.gz", what="small files of any ratio")) == 4 << 20


def test_a_pipe_and_a_device_are_refused_and_standard_input_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(
            VistokError, match=f"answers cannot be read: {path} is a pipe or a device. Name a file"
        ):
            read_bytes(path, what="answers")
    for read in (load_image, image_bytes):
        with pytest.raises(VistokError, match="is a pipe or a device"):
            read(tmp_path / "pipe", what="image")
    with pytest.raises(VistokError, match="is a pipe or a device"):
        list(read_lines(tmp_path / "pipe", what="boxes"))
    end, start = os.pipe()
    os.write(start, b'{"id": 1}')
    os.close(start)
    assert read_json(Path(f"/dev/fd/{end}"), what="answers") == {"id": 1}
    os.close(end)
