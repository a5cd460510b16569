import multiprocessing
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vistok.datasets.manifest import damaged_files
from vistok.datasets.shards import Shards, write_shards
from vistok.datasets.sources import open_source
from vistok.errors import VistokError
from vistok.files import digest_file
from vistok.grid.image_sets import ImageSet

Set = tuple[ImageSet, Path]


@pytest.fixture
def shards(coco_set: Set, tmp_path: Path) -> Shards:
    image_set, root = coco_set
    assert write_shards(image_set, root, tmp_path / "shards", rows_per_file=4) == 6
    return Shards(tmp_path / "shards")


def test_rows_come_back_as_they_went_in(coco_set: Set, shards: Shards) -> None:
    source = open_source(*coco_set)
    rows = list(source.rows)
    assert list(shards) == rows
    assert [shards.row(position) for position in range(len(shards))] == rows
    assert shards.categories == source.categories
    assert list(shards.column("image_id")) == ["1", "2", "3", "4", "5", "6"]
    assert list(shards.column("captions")) == [list(row.captions) for row in rows]
    assert [path.name for path in sorted(shards.path.iterdir())] == [
        "_groups.npy",
        "_ids.npy",
        "_manifest.json",
        "part-00000.parquet",
        "part-00001.parquet",
    ]


def test_labels_and_captions_come_back(imagenet_set: Set, web_set: Set, tmp_path: Path) -> None:
    for image_set, root in (imagenet_set, web_set):
        out = tmp_path / image_set.format
        write_shards(image_set, root, out)
        assert list(Shards(out)) == list(open_source(image_set, root).rows)


def test_random_access_by_position_and_by_id(shards: Shards) -> None:
    assert shards.by_id(5) == shards.by_id("5") == shards.row(4)
    with pytest.raises(VistokError, match="image 7 is not among the 6 of"):
        shards.by_id(7)
    for position in (-1, 6):
        with pytest.raises(IndexError, match=f"row {position} of 6"):
            shards.row(position)


def test_a_row_is_read_without_its_neighbours_files(shared_data: Path, tmp_path: Path) -> None:
    """Photographs of some 100 kB share a row group with a few others, not with the whole file."""
    image_set = ImageSet(format="coco", images="coco/val2017", first=30)
    write_shards(image_set, shared_data, tmp_path / "photographs")
    (part,) = (tmp_path / "photographs").glob("*.parquet")
    metadata = pq.ParquetFile(part).metadata
    sizes = [metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups)]
    assert len(sizes) > 5
    assert max(sizes) < 1_000_000


def test_files_are_bounded_in_rows_and_bytes(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_set = ImageSet(format="coco", images="coco/val2017", first=12)
    monkeypatch.setattr("vistok.datasets.shards._FILE_BYTES", 400_000)
    write_shards(image_set, shared_data, tmp_path / "photographs", rows_per_file=5)
    shards = Shards(tmp_path / "photographs")
    assert sum(file.rows for file in shards.manifest.files) == len(shards) == 12
    largest = max(len(row.image) for row in shards)
    assert all(file.rows <= 5 and file.bytes < 400_000 + 2 * largest for file in shards.manifest.files)
    assert any(file.rows < 5 for file in shards.manifest.files[:-1])


def test_a_process_keeps_few_files_and_rows(
    shards: Shards, monkeypatch: pytest.MonkeyPatch, coco_set: Set, tmp_path: Path
) -> None:
    monkeypatch.setattr("vistok.datasets.parquet._FILES_KEPT", 2)
    monkeypatch.setattr("vistok.datasets.parquet._TABLE_BYTES_KEPT", 1)
    write_shards(*coco_set, tmp_path / "single", rows_per_file=1)
    shards = Shards(tmp_path / "single")
    rows = list(shards)
    for position in (0, 5, 2, 3, 0, 4, 1):
        assert shards.row(position) == rows[position]
    _, files = shards._open()
    assert (len(files._files), len(files._tables)) == (2, 1)


def test_the_manifest_tells_what_a_set_has(coco_set: Set, shards: Shards) -> None:
    image_set, root = coco_set
    manifest = shards.manifest
    assert (manifest.rows, manifest.categories) == (6, shards.categories)
    with_objects = sum(bool(row.objects) for row in shards)
    assert manifest.rows_with["objects"] == with_objects
    assert manifest.rows_with["label"] == 0
    assert manifest.sources == {name: digest_file(root / name) for name in image_set.files}
    assert [file.sha256 for file in manifest.files] == [
        digest_file(path) for path in sorted(shards.path.glob("*.parquet"))
    ]


def test_another_library_reads_the_columns(shards: Shards) -> None:
    table = pq.read_table(shards.path)
    assert table.column_names == [
        "image_id", "image", "label", "captions", "objects", "questions", "attributes"
    ]  # fmt: skip
    object_ = {"category": "cat", "box": [1.0, 2.0, 3.5, 4.0], "crowd": False, "attributes": []}
    assert table["objects"][0].as_py()[0] == object_
    assert table["label"].null_count == 6


def test_the_same_set_gives_the_same_bytes(coco_set: Set, shards: Shards, tmp_path: Path) -> None:
    image_set, root = coco_set
    write_shards(image_set, root, tmp_path / "again", rows_per_file=4)
    for path in shards.path.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_other_processes_read_what_was_open_already(shards: Shards) -> None:
    """A DataLoader forks or pickles a dataset that has been read in the parent."""
    expected = [shards.row(position) for position in range(6)]
    assert shards.by_id(6) == expected[5]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(shards.row, range(6), chunksize=1) == expected
    copied = pickle.loads(pickle.dumps(shards))
    assert [copied.row(position) for position in range(6)] == expected
    assert copied.by_id(2) == expected[1]


def test_a_truncated_image_leaves_the_old_shards(coco_set: Set, shards: Shards) -> None:
    image_set, root = coco_set
    path = root / "coco/train2017/000000000005.jpg"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(VistokError, match=r"image 5 of .*train2017 cannot be decoded"):
        write_shards(image_set, root, shards.path, rows_per_file=4)
    assert len(Shards(shards.path)) == 6
    assert [entry.name for entry in shards.path.parent.iterdir() if entry.name.startswith(".")] == []


def test_an_empty_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(VistokError, match=r"no images for .*/out"):
        write_shards(ImageSet(format="coco", images="empty"), tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(VistokError, match=r"no shards in .*/out"):
        Shards(tmp_path / "out")


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_truncated_shard_is_refused(shards: Shards, share: float) -> None:
    path = shards.path / "part-00001.parquet"
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[: int(share * size)])
    with pytest.raises(VistokError, match=rf"part-00001.parquet has \d+ bytes, and {size} by .*shards again"):
        Shards(shards.path)


def test_a_file_more_or_less_is_refused(shards: Shards) -> None:
    part = shards.path / "part-00001.parquet"
    shutil.copy(part, shards.path / "part-00002.parquet")
    with pytest.raises(VistokError, match=r"part-00002.parquet has \d+ bytes, and none by _manifest.json"):
        Shards(shards.path)
    (shards.path / "part-00002.parquet").unlink()
    part.unlink()
    with pytest.raises(VistokError, match=r"part-00001.parquet has no bytes"):
        Shards(shards.path)


def test_every_bit_counts(shards: Shards) -> None:
    """Whichever bit of whichever file flips: who reads the set finds out."""
    content = {path: path.read_bytes() for path in sorted(shards.path.iterdir())}
    sizes = np.array([len(data) for data in content.values()])
    chance = np.random.default_rng(0)
    for _ in range(300):
        path = list(content)[chance.choice(len(content), p=sizes / sizes.sum())]
        data = bytearray(content[path])
        data[chance.integers(len(data))] ^= 1 << chance.integers(8)
        path.write_bytes(data)
        with pytest.raises(VistokError, match="again"):
            list(Shards(shards.path))
        path.write_bytes(content[path])
    assert len(list(Shards(shards.path))) == 6


def test_a_change_that_keeps_the_size_is_found_file_by_file(shards: Shards) -> None:
    assert damaged_files(shards.path) == []
    for name in ("part-00001.parquet", "_ids.npy"):
        path = shards.path / name
        path.write_bytes(path.read_bytes()[:-9] + bytes(9))
    assert damaged_files(shards.path) == ["part-00001.parquet", "_ids.npy"]


def test_a_damaged_column_is_refused_without_reading_images(shards: Shards) -> None:
    path = shards.path / "part-00000.parquet"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"caption 1", b"caption 3"))
    assert list(shards.column("image_id")) == ["1", "2", "3", "4", "5", "6"]
    with pytest.raises(VistokError, match=r"part-00000.parquet is damaged: .*Make the shards again"):
        list(shards.column("captions"))


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "part-00000.parquet")
    with pytest.raises(VistokError, match=r"no _manifest.json is there"):
        Shards(tmp_path)
    (tmp_path / "_manifest.json").write_text("[]")
    with pytest.raises(VistokError, match="is not a manifest of shards of version 1"):
        Shards(tmp_path)


def test_an_annotation_file_that_is_missing_is_refused(coco_set: Set, tmp_path: Path) -> None:
    image_set, root = coco_set
    (root / "instances.json").unlink()
    with pytest.raises(VistokError, match=r"instances.json"):
        write_shards(image_set, root, tmp_path / "none")


def test_an_id_that_stands_twice_names_no_row(
    web_set: Set, tmp_path: Path, make_tar: Callable[..., None], make_jpeg: Callable[..., bytes]
) -> None:
    image_set, root = web_set
    samples = [(f"{key}.{end}", data) for key in ("000020000", "000010000") for end, data in (
        ("jpg", make_jpeg(103)), ("txt", b"fourth"),
    )]  # fmt: skip
    make_tar(root / "web/00002.tar", samples)
    write_shards(image_set, root, tmp_path / "shards")
    with pytest.raises(VistokError, match="stands in several rows"):
        Shards(tmp_path / "shards").by_id("000010000")
