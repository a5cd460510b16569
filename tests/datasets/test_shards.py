import multiprocessing
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vistok.datasets.images import ImageIndex, load_image
from vistok.datasets.preprocessing import squash
from vistok.datasets.shards import Shards, write_image_shards, write_shards
from vistok.datasets.sources import open_source
from vistok.errors import VistokError
from vistok.grid.scale import ImageSet

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
    assert shards.ids == ("1", "2", "3", "4", "5", "6")
    assert [path.name for path in sorted(shards.path.iterdir())] == [
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
    (part,) = (tmp_path / "photographs").iterdir()
    metadata = pq.ParquetFile(part).metadata
    sizes = [metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups)]
    assert len(sizes) > 5
    assert max(sizes) < 1_000_000


def test_another_library_reads_the_columns(shards: Shards) -> None:
    table = pq.read_table(shards.path)
    assert table.column_names == ["image_id", "image", "label", "captions", "objects", "questions"]
    assert table["objects"][0].as_py()[0] == {"category": "cat", "box": [1.0, 2.0, 3.5, 4.0], "crowd": False}
    assert table["label"].null_count == 6


def test_the_same_set_gives_the_same_bytes(coco_set: Set, shards: Shards, tmp_path: Path) -> None:
    image_set, root = coco_set
    write_shards(image_set, root, tmp_path / "again", rows_per_file=4)
    for path in shards.path.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_pixels_decode_the_whole_set(shards: Shards) -> None:
    pixels = shards.pixels(8)
    assert (pixels.shape, pixels.dtype) == ((6, 8, 8, 3), np.uint8)
    for position, row in enumerate(shards):
        assert np.array_equal(pixels[position], squash(load_image(row.image, what="image"), 8))


def test_other_processes_read_what_was_open_already(shards: Shards) -> None:
    """A DataLoader forks or pickles a dataset that has been read in the parent."""
    expected = [shards.row(position) for position in range(6)]
    assert shards.by_id(6) == expected[5]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(shards.row, range(6), chunksize=1) == expected
    copied = pickle.loads(pickle.dumps(shards))
    assert [copied.row(position) for position in range(6)] == expected
    assert copied.by_id(2) == expected[1]


def test_images_of_questions(shared_data: Path, tmp_path: Path) -> None:
    index = ImageIndex(shared_data, ["coco/val2017", "vqa/images"])
    assert write_image_shards([262148, 802, 262148], index, tmp_path / "images") == 2
    shards = Shards(tmp_path / "images")
    assert shards.ids == ("262148", "802")
    assert shards.by_id(802).image == (shared_data / "coco/val2017/000000000802.jpg").read_bytes()
    assert shards.categories == ()


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
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(
        VistokError, match=r"part-00001.parquet is no whole Parquet file: .* Make the shards again"
    ):
        len(Shards(shards.path))


def test_damaged_pages_are_refused(shards: Shards) -> None:
    path = shards.path / "part-00000.parquet"
    data = bytearray(path.read_bytes())
    data[4:400] = bytes(396)
    path.write_bytes(data)
    with pytest.raises(VistokError, match=r"part-00000.parquet is no whole Parquet file"):
        Shards(shards.path).row(0)


def test_a_foreign_parquet_file_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "part-00000.parquet")
    with pytest.raises(VistokError, match="but no shard of images"):
        len(Shards(tmp_path))


def test_ids_that_stand_twice_are_refused(web_set: Set, tmp_path: Path) -> None:
    image_set, root = web_set
    (root / "web/00002.tar").write_bytes((root / "web/00001.tar").read_bytes())
    write_shards(image_set, root, tmp_path / "shards")
    with pytest.raises(VistokError, match="some image ids stand in several rows"):
        Shards(tmp_path / "shards").by_id("000010000")
