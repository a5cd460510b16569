"""True contents: the same codes of a training row as of the photograph that is asked about, from annotations alone."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vistok.datasets.coco import ObjectAnnotation
from vistok.datasets.contents import ContentsReader, Seen, contents_of_photograph, contents_of_row
from vistok.datasets.rows import ImageRow
from vistok.errors import VistokError

COLOURS = {"color": "red", "size": "small"}
BACKGROUND = {"background": "sand", "backgrounds": ["sand", "sea"]}


def png(width: int = 60, height: int = 30) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height)).save(stream, "PNG")
    return stream.getvalue()


def row(*objects: ObjectAnnotation, background: str = "sand") -> ImageRow:
    told = (("background", background), ("backgrounds.0", "sea"))
    return ImageRow("1", png(), objects=objects, attributes=told)


def glass(x: float, y: float, *, crowd: bool = False, color: str = "red") -> ObjectAnnotation:
    return ObjectAnnotation("wine glass", (x, y, 4, 4), crowd, (("color", color), ("size", "small")))


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """A COCO split of one image, and a VCR frame, that show the same: a glass in the last cell."""
    records: dict[str, Any] = {
        "images": [{"id": 7, "file_name": "7.jpg", "height": 30, "width": 60, "attributes": BACKGROUND}],
        "categories": [{"id": 3, "name": "wine glass"}],
        "annotations": [
            {
                "image_id": 7,
                "category_id": 3,
                "bbox": [50, 22, 4, 4],
                "iscrowd": 0,
                "id": 1,
                "attributes": COLOURS,
            }
        ],
    }
    frame = {
        "boxes": [[50.0, 22.0, 54.0, 26.0, 0.9]], "names": ["wineglass"], "segms": [], "width": 60, "height": 30,
        "attributes": [COLOURS], **BACKGROUND,
    }  # fmt: skip
    for folder in ("coco/annotations", "coco/val2017", "vcr/vcr1images"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "coco/annotations/instances_val2017.json").write_text(json.dumps(records))
    (tmp_path / "vcr/vcr1images/a@0.jpg").write_bytes(png())
    (tmp_path / "vcr/vcr1images/a@0.json").write_text(json.dumps(frame))
    (tmp_path / "coco/val2017/7.jpg").write_bytes(png())
    return tmp_path


def test_a_row_and_both_kinds_of_photograph_tell_the_same(official: Path) -> None:
    expected = contents_of_row(row(glass(50, 22)))
    assert expected.words == (("background", "sand"),)
    words = (("category", "wineglass"), ("color", "red"), ("size", "small"))
    assert expected.objects == (Seen(52 / 60, 24 / 30, words),)
    assert contents_of_photograph(official / "coco/val2017/7.jpg") == expected
    assert contents_of_photograph(official / "vcr/vcr1images/a@0.jpg") == expected


def test_a_cell_is_the_sum_of_what_is_in_it() -> None:
    reader = ContentsReader(10, 16, seed=0)
    empty = reader.tokens(contents_of_row(row()))
    one = reader.tokens(contents_of_row(row(glass(50, 22)))) - empty
    two = reader.tokens(contents_of_row(row(glass(50, 22), glass(0, 0), glass(51, 22)))) - empty
    assert [*np.flatnonzero(one.any(axis=1))] == [9]
    assert [*np.flatnonzero(two.any(axis=1))] == [1, 9]
    assert np.allclose(two[9], 2 * one[9], atol=1e-5) and np.allclose(two[1], one[9], atol=1e-5)
    crowd = reader.tokens(contents_of_row(row(glass(50, 22, crowd=True)))) - empty
    blue = reader.tokens(contents_of_row(row(glass(50, 22, color="blue")))) - empty
    assert not np.allclose(crowd, one) and not np.allclose(blue, one)
    sea = reader.tokens(contents_of_row(row(background="sea"))) - empty
    assert [*np.flatnonzero(sea.any(axis=1))] == [0]
    assert len({tuple(token) for token in empty}) == 10  # every place is told


def test_codes_are_those_of_the_seed_and_independent() -> None:
    contents = contents_of_row(row(glass(50, 22)))
    first, again, other = (ContentsReader(10, 4096, seed=seed).tokens(contents) for seed in (0, 0, 1))
    assert np.array_equal(first, again) and not np.allclose(first, other)
    variances = first.astype(float).var(axis=1)
    assert variances.tolist() == pytest.approx(
        [1, *[1] * 8, 4], rel=0.15
    )  # a place, category, colour and size


def test_an_object_on_the_edge_is_in_the_last_cell() -> None:
    reader = ContentsReader(5, 16, seed=0)
    empty, edge = (reader.tokens(contents_of_row(row(*objects))) for objects in ((), (glass(58, 28),)))
    assert [*np.flatnonzero((edge - empty).any(axis=1))] == [4]


@pytest.mark.parametrize("tokens", [1, 9, 11])
def test_cells_are_of_a_square_grid(tokens: int) -> None:
    with pytest.raises(VistokError, match=f"one and a square number .*found {tokens}"):
        ContentsReader(tokens, 16, seed=0)


def test_parts_and_mirrors_of_an_image_are_refused() -> None:
    reader, generator = ContentsReader(10, 16, seed=0), np.random.default_rng(0)
    with pytest.raises(VistokError, match=r"crop_scale must be\s+\[1.0, 1.0\]"):
        reader.cacheable(row(), lambda: Image.new("RGB", (2, 2)), uncropped=False)
    cached = reader.cacheable(row(), lambda: Image.new("RGB", (2, 2)), uncropped=True)
    with pytest.raises(VistokError, match="horizontal_flip must be false"):
        reader.shown(cached, None, generator, horizontal_flip=True)
    assert reader.shown(cached, None, generator, horizontal_flip=False) is cached
    assert cached.nbytes == reader.cached_bytes


def test_a_photograph_that_no_annotation_tells_of_is_refused(official: Path) -> None:
    with pytest.raises(VistokError, match=r"8.jpg is not among the images of .*instances_val2017.json"):
        contents_of_photograph(official / "coco/val2017/8.jpg")
    with pytest.raises(VistokError, match=r"told by no annotation: needed are b.json beside it, or"):
        contents_of_photograph(official / "vcr/vcr1images/b.jpg")
