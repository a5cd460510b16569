import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from vistok.datasets.sources import open_source
from vistok.errors import VistokError
from vistok.grid.scale import ImageSet

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
    with pytest.raises(VistokError, match="no whole tar"):
        list(open_source(image_set, root).rows)


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ([("a.txt", b"no image")], r"found \.txt"),
        ([("a.jpg", b"no caption"), ("a.json", b"{}")], r"found \.jpg, \.json"),
        ([("a.jpg", b"image"), ("a.txt", b"\xff")], r"found \.jpg, \.txt"),
    ],
)
def test_an_incomplete_sample_is_refused(
    tmp_path: Path, make_tar: MakeTar, members: list[tuple[str, bytes]], found: str
) -> None:
    make_tar(tmp_path / "web/00000.tar", members)
    with pytest.raises(VistokError, match=rf"00000.tar, sample 'a': an image .* needed, {found}"):
        list(open_source(ImageSet(format="webdataset", images="web"), tmp_path).rows)
