import gzip
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from vistok.datasets.images import load_image
from vistok.datasets.shards import Shards, write_shards
from vistok.datasets.sources import open_source
from vistok.errors import VistokError
from vistok.grid.image_sets import ImageSet

Set = tuple[ImageSet, Path]
MakeTar = Callable[[Path, list[tuple[str, bytes]]], None]


def test_webdataset_reads_tars_in_order(web_set: Set) -> None:
    rows = list(open_source(*web_set).rows)
    assert [(row.image_id, row.captions) for row in rows] == [
        ("000000000", ("first",)), ("000000001", ("a caption in JSON",)), ("000010000", ("third",))
    ]  # fmt: skip


def test_what_img2dataset_writes(shared_data: Path, tmp_path: Path, make_jpeg: Callable[..., bytes]) -> None:
    """Its 1.47 streams a pax tar in the order of arrival, names no dead address, and lays tables beside it."""
    lines = (shared_data / "cc3m/Train_GCC-training_excerpt.tsv").read_text().splitlines()
    pairs = [line.split("\t") for line in lines]
    folder = tmp_path / "cc3m/images"
    folder.mkdir(parents=True)
    with tarfile.open(folder / "00000.tar", "w|", format=tarfile.PAX_FORMAT) as archive:
        for number in (2, 0, 3):
            caption, url = pairs[number]
            about = {
                "caption": caption,
                "url": url,
                "key": f"{number:09d}",
                "status": "success",
                "exif": "{}",
            }
            sample = {"jpg": make_jpeg(number), "json": json.dumps(about, indent=4).encode()}
            for suffix, data in {**sample, "txt": caption.encode()}.items():
                member = tarfile.TarInfo(f"{number:09d}.{suffix}")
                member.size, member.mode, member.uname, member.mtime = len(data), 0o444, "bigdata", 1.5
                archive.addfile(member, io.BytesIO(data))
    for beside in ("00000.parquet", "00000_stats.json"):
        (folder / beside).write_text("{}")
    rows = list(open_source(ImageSet(format="webdataset", images="cc3m/images"), tmp_path).rows)
    assert [(row.image_id, row.captions) for row in rows] == [
        (f"{number:09d}", (pairs[number][0],)) for number in (2, 0, 3)
    ]


def test_a_hostile_tar_writes_nothing(web_set: Set, make_jpeg: Callable[..., bytes], tmp_path: Path) -> None:
    image_set, root = web_set
    before = sorted(tmp_path.rglob("*"))
    with tarfile.open(root / "web/00000.tar", "w") as archive:
        link = tarfile.TarInfo("000.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        for name, data in (("../../001.jpg", make_jpeg(1)), ("../../001.txt", b"outside")):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    rows = list(open_source(image_set, root).rows)
    assert rows[0].captions == ("outside",)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kept", [100, 512, 700, 1024, 1536, 3000])
def test_a_truncated_tar_is_refused(web_set: Set, kept: int) -> None:
    image_set, root = web_set
    path = root / "web/00000.tar"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(VistokError, match="not a whole tar"):
        list(open_source(image_set, root).rows)


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ([("a.txt", b"no image")], r"found \.txt"),
        ([("a.jpg", b"no caption"), ("a.json", b"{}")], r"found \.jpg, \.json"),
        ([("a.jpg", b"image"), ("a.txt", b" \n")], r"found \.jpg, \.txt"),
        ([("a.jpg", b"image"), ("a.txt", b"\0\0")], r"found \.jpg, \.txt"),
        (
            [("a.jpg", b"image"), ("a.txt", b""), ("a.json", b'{"caption": null}')],
            r"found \.jpg, \.txt, \.json",
        ),
    ],
)
def test_an_incomplete_sample_is_refused(
    tmp_path: Path, make_tar: MakeTar, members: list[tuple[str, bytes]], found: str
) -> None:
    make_tar(tmp_path / "web/00000.tar", members)
    with pytest.raises(VistokError, match=rf"00000.tar, sample 'a': an image .* needed, {found}"):
        list(open_source(ImageSet(format="webdataset", images="web"), tmp_path).rows)


def read(root: Path) -> list[tuple[str, str]]:
    rows = open_source(ImageSet(format="webdataset", images="web"), root).rows
    return [(row.image_id, row.captions[0]) for row in rows]


def sample(key: str, caption: bytes) -> list[tuple[str, bytes]]:
    return [(f"{key}.jpg", b"image"), (f"{key}.txt", caption)]


def test_a_damaged_header_in_the_middle_loses_nothing_in_silence(tmp_path: Path, make_tar: MakeTar) -> None:
    path = tmp_path / "web/00000.tar"
    make_tar(path, [member for number in range(3) for member in sample(f"{number:03d}", b"a cat")])
    content = path.read_bytes()
    assert len(read(tmp_path)) == 3
    for header in range(0, 6 * 1024, 1024):
        path.write_bytes(content[: header + 150] + b"#" + content[header + 151 :])
        with pytest.raises(VistokError, match=r"00000\.tar is not a whole tar: .*(header|checksum)"):
            read(tmp_path)


def test_a_second_tar_behind_the_first_is_refused(tmp_path: Path, make_tar: MakeTar) -> None:
    path = tmp_path / "web/00000.tar"
    make_tar(path, sample("000", b"a cat"))
    first = path.read_bytes()
    make_tar(path, sample("001", b"a dog"))
    path.write_bytes(first + path.read_bytes())
    with pytest.raises(VistokError, match=r"00000\.tar is not a whole tar: another tar was joined to it"):
        read(tmp_path)
    path.write_bytes(first + bytes(1 << 21))
    assert read(tmp_path) == [("000", "a cat")]


def test_hidden_members_are_left_out(tmp_path: Path, make_tar: MakeTar) -> None:
    members = [("./._000.jpg", b"x"), ("./000.jpg", b"image"), ("._000.txt", b"x"), ("./000.txt", b"a cat")]
    hidden = [("__MACOSX/._000.txt", b"x"), (".DS_Store", b"x"), (".git/000.txt", b"x")]
    make_tar(tmp_path / "web/00000.tar", [*members, *hidden])
    assert read(tmp_path) == [("000", "a cat")]


def test_a_member_that_stands_twice_is_refused(tmp_path: Path, make_tar: MakeTar) -> None:
    make_tar(tmp_path / "web/00000.tar", [*sample("000", b"a cat"), ("000.txt", b"a dog")])
    with pytest.raises(VistokError, match=r"00000\.tar: 000\.txt stands there twice"):
        read(tmp_path)
    make_tar(
        tmp_path / "web/00000.tar", [*sample("000", b"cat"), *sample("001", b"cup"), *sample("000", b"cat")]
    )
    with pytest.raises(VistokError, match=r"00000\.tar: the sample '000' stands there twice"):
        read(tmp_path)


def test_a_copy_of_a_tar_is_refused(tmp_path: Path, make_tar: MakeTar) -> None:
    for name, key in (("00000", "000"), ("00001", "001"), ("00001 (1)", "001")):
        make_tar(tmp_path / f"web/{name}.tar", sample(key, b"a cat"))
    with pytest.raises(VistokError, match=r"00001\.tar begins with the sample of .*00001 \(1\)\.tar"):
        read(tmp_path)


def test_a_member_without_a_name_is_left_out_and_a_folder_is_no_tar(
    tmp_path: Path, make_tar: MakeTar
) -> None:
    make_tar(tmp_path / "web/00000.tar", [("", b"x"), (".", b"x"), ("..", b"x"), *sample("000", b"a cat")])
    (tmp_path / "web/._00000.tar").write_bytes(b"Mac OS X")
    assert read(tmp_path) == [("000", "a cat")]
    (tmp_path / "web/00001.tar").mkdir()
    with pytest.raises(VistokError, match=r"00001\.tar is not a tar: it is a folder"):
        read(tmp_path)


def test_a_tar_of_zeros_is_refused_and_an_empty_one_is_not(tmp_path: Path, make_tar: MakeTar) -> None:
    path = tmp_path / "web/00000.tar"
    make_tar(path, [])
    assert read(tmp_path) == []
    path.write_bytes(bytes(2 * path.stat().st_size))
    with pytest.raises(VistokError, match=r"00000\.tar is not a whole tar: it begins with zeros"):
        read(tmp_path)


def test_a_name_that_is_not_utf_8_is_no_images_id(tmp_path: Path, make_tar: MakeTar) -> None:
    make_tar(tmp_path / "web/00000.tar", sample("\udcff", b"a cat"))
    with pytest.raises(VistokError, match=r"00000\.tar: \\udcff\.jpg is not a name in UTF-8"):
        read(tmp_path)


def test_captions_are_text_in_any_unicode_encoding(tmp_path: Path, make_tar: MakeTar) -> None:
    path = tmp_path / "web/00000.tar"
    make_tar(
        path,
        [*sample("000", "\ufeffa caf\xe9".encode()), *sample("001", "\ufeffa caf\xe9".encode("utf-16-le"))],
    )
    assert read(tmp_path) == [("000", "a caf\xe9"), ("001", "a caf\xe9")]
    make_tar(path, sample("000", "a caf\xe9".encode("latin-1")))
    with pytest.raises(
        VistokError, match=r"00000\.tar \(sample '000', \.txt\), line 1, is not text in UTF-8"
    ):
        read(tmp_path)


def test_a_caption_that_txt_leaves_empty_is_read_from_json(tmp_path: Path, make_tar: MakeTar) -> None:
    make_tar(tmp_path / "web/00000.tar", [*sample("000", b"\n"), ("000.json", b'{"caption": "a cat"}')])
    assert read(tmp_path) == [("000", "a cat")]


def test_only_tars_may_hold_webp(tmp_path: Path, make_tar: MakeTar) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "WEBP")
    make_tar(tmp_path / "web/00000.tar", [("000.webp", stream.getvalue()), ("000.txt", b"a cat")])
    assert write_shards(ImageSet(format="webdataset", images="web"), tmp_path, tmp_path / "shards") == 1
    (row,) = Shards(tmp_path / "shards")
    assert load_image(row.image, what="image").size == (8, 8)
    (tmp_path / "photographs").mkdir()
    (tmp_path / "photographs/a.jpg").write_bytes(stream.getvalue())
    with pytest.raises(
        VistokError, match=r"image a\.jpg .*cannot be decoded: not an image. Legal: a whole JPEG"
    ):
        write_shards(ImageSet(format="coco", images="photographs"), tmp_path, tmp_path / "more")


def test_a_packed_tar_and_a_pipe_are_named(tmp_path: Path, make_tar: MakeTar) -> None:
    path = tmp_path / "web/00000.tar"
    make_tar(path, sample("000", b"a cat"))
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(VistokError, match=r"00000\.tar is not a tar: it is a gzip file"):
        read(tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(VistokError, match="is a pipe or a device"):
        read(tmp_path)
