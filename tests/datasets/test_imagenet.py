from pathlib import Path

import pytest

from vistok.datasets.sources import open_source
from vistok.errors import VistokError
from vistok.grid.image_sets import ImageSet

Set = tuple[ImageSet, Path]


def test_imagenet_takes_turns_between_classes(imagenet_set: Set) -> None:
    source = open_source(*imagenet_set)
    assert source.categories == ("goldfish, Carassius auratus", "tench")
    rows = [(row.image_id, row.label) for row in source.rows]
    assert rows == [
        *(("n02/n02_1.JPEG", 0), ("n01/n01_1.JPEG", 1)), *((f"n01/n01_{n}.JPEG", 1) for n in (2, 3))
    ]  # fmt: skip


def test_imagenet_without_a_mapping_goes_by_folder_names(imagenet_set: Set) -> None:
    image_set, root = imagenet_set
    (root / "ILSVRC/LOC_synset_mapping.txt").unlink()
    source = open_source(image_set, root)
    assert source.categories == ("n01", "n02")
    assert next(source.rows).label == 0


def test_a_class_that_the_mapping_lacks_is_refused(imagenet_set: Set) -> None:
    image_set, root = imagenet_set
    (root / image_set.images / "n03").mkdir()
    with pytest.raises(VistokError, match=r"1 class folders that .*mapping.txt does not list, e.g. n03"):
        open_source(image_set, root)
