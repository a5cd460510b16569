"""What a pretraining reads of its shards, kept in memory or read again each time."""

from pathlib import Path

import numpy as np
import pytest
from tests.supervision.conftest import png

from vistok.datasets.coco import ObjectAnnotation
from vistok.datasets.preprocessing import squash
from vistok.datasets.rows import ImageRow
from vistok.datasets.shards import Shards, write_rows
from vistok.errors import VistokError
from vistok.supervision.data import PretrainingData

EVERYTHING = frozenset({"label", "captions", "objects"})


@pytest.mark.parametrize("cache_bytes", [0, 1 << 28])
def test_rows_come_with_the_parts_that_are_needed(shards: Shards, cache_bytes: int) -> None:
    data = PretrainingData(shards, 12, cache_bytes=cache_bytes)
    positions = [23, 2, 2, 11]
    examples = data.examples(positions, EVERYTHING)
    rows = [shards.row(position) for position in positions]
    assert np.array_equal(examples.pixels, [squash(shards.decoded(row), 12) for row in rows])
    assert examples.labels.tolist() == [row.label for row in rows]
    assert examples.texts == [row.captions[0] for row in rows]
    none = data.examples(positions, frozenset())
    assert (none.labels, none.texts, none.regions) == (None, None, None)
    assert (len(data), data.classes) == (24, 4)
    assert list(data.texts()) == [row.captions[0] for row in shards]


def test_boxes_are_shares_of_the_image_and_crowds_are_left_out(data: PretrainingData) -> None:
    (regions,) = data.examples([5], frozenset({"objects"})).regions
    assert regions.boxes.tolist() == [
        [0.25, 0.0, 0.75, 0.25]
    ]  # 6, 0, 12, 6 pixels of 24, as left, top, width, height
    assert regions.categories.tolist() == [0]


def test_a_set_that_does_not_fit_is_not_kept(shards: Shards, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    row = Shards.row
    monkeypatch.setattr(Shards, "row", lambda self, position: (read.append(position), row(self, position))[1])
    size = len(shards) * (3 * 12**2 + 4096)
    for cache_bytes, expected in ((size, []), (size - 1, [3, 4, 3])):
        data = PretrainingData(shards, 12, cache_bytes=cache_bytes)
        data.examples([3, 4], frozenset())
        data.examples([3], frozenset())
        assert read == expected


def test_a_set_without_boxes_is_refused_by_who_needs_them(
    data: PretrainingData, bare: PretrainingData
) -> None:
    data.require("objects", "region")
    with pytest.raises(VistokError, match=r"the region objective needs boxes .* of the format 'coco' with"):
        bare.require("objects", "region")


def test_an_image_without_a_class_has_that_of_most_of_its_objects(tmp_path: Path) -> None:
    """The first among equals, in the order of the categories; a crowd is none of them."""
    shown = {"0": ("star", "ring", "ring"), "1": ("ring", "star"), "2": ("moon",)}
    crowd = ObjectAnnotation("star", (0.0, 0.0, 2.0, 2.0), True)
    rows = [
        ImageRow(
            name,
            png(np.zeros((8, 8, 3), dtype=np.uint8)),
            objects=(
                *(ObjectAnnotation(each, (0.0, 0.0, 2.0, 2.0), False) for each in objects),
                crowd,
                crowd,
            ),
        )
        for name, objects in shown.items()
    ]
    write_rows(iter(rows), tmp_path / "set", categories=("star", "ring", "moon"), rows_per_file=10)
    data = PretrainingData(Shards(tmp_path / "set"), 8)
    data.require("label", "supervised")
    labels = data.examples(range(3), frozenset({"label"})).labels
    assert labels is not None and labels.tolist() == [1, 0, 2] and data.classes == 3
