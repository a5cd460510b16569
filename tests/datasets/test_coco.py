import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from vistok.datasets.coco import ImageRecord, ObjectAnnotation, read_captions, read_instances
from vistok.datasets.questions import Annotations, within
from vistok.errors import VistokError


def test_official_instances(shared_data: Path) -> None:
    result = read_instances(shared_data / "coco/annotations/instances_val2017.json")
    assert len(result.images) == len(result.objects) == 74
    assert result.images[802] == ImageRecord("000000000802.jpg", 640, 424)
    assert len(result.categories) == 80
    assert result.categories[0] == "person"
    objects = [entry for group in result.objects.values() for entry in group]
    assert len(objects) == 629
    assert sum(entry.crowd for entry in objects) == 8
    assert sum(group == () for group in result.objects.values()) == 2
    assert (
        ObjectAnnotation("refrigerator", (245.05, 185.23, 165.76, 356.03), crowd=False) in result.objects[802]
    )


def test_official_captions(shared_data: Path) -> None:
    result = read_captions(shared_data / "coco/annotations/captions_val2017.json")
    assert len(result.captions) == 74
    assert sum(map(len, result.captions.values())) == 370
    assert "A small closed toilet in a cramped space." in result.captions[331352]
    assert result.file_names[397133] == "000000397133.jpg"


def test_karpathy_captions_are_gzipped(shared_data: Path) -> None:
    result = read_captions(shared_data / "coco/karpathy/captions_val5k.json.gz")
    assert len(result.captions) == 5000
    assert sum(map(len, result.captions.values())) == 25010


def test_a_gzipped_file_reads_as_the_plain_one(shared_data: Path, tmp_path: Path) -> None:
    plain = shared_data / "coco/annotations/instances_val2017.json"
    packed = tmp_path / "instances.json.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes(), compresslevel=1))
    assert read_instances(packed) == read_instances(plain)


def test_a_captions_file_without_file_names(tmp_path: Path) -> None:
    path = _write(tmp_path, {"images": [{"id": 5}], "annotations": [{"image_id": 5, "caption": "a cat"}]})
    result = read_captions(path)
    assert result.file_names == {}
    assert result.captions == {5: ("a cat",)}


IMAGE = {"id": 5, "file_name": "a.jpg", "height": 2, "width": 3}
OBJECT = {"image_id": 5, "category_id": 1, "bbox": [0, 0, 1, 1], "iscrowd": 0}
CATEGORY = {"id": 1, "name": "cat"}


@pytest.mark.parametrize(
    ("images", "annotations", "categories", "message"),
    [
        ([{**IMAGE, "height": None}], [OBJECT], [CATEGORY], "id, height and width are needed"),
        ([{**IMAGE, "width": 0}], [OBJECT], [CATEGORY], "id, height and width are needed"),
        ([{**IMAGE, "id": True}], [OBJECT], [CATEGORY], "images, record 0: a number as id is needed"),
        ([IMAGE], [{**OBJECT, "category_id": True}], [CATEGORY], "record 0: a number as category_id"),
        ([IMAGE], [{**OBJECT, "bbox": [True, 0, 1, 1]}], [CATEGORY], "annotation 0: .* bbox of four numbers"),
        (
            [IMAGE],
            [{**OBJECT, "id": 7}, {**OBJECT, "id": "7"}],
            [CATEGORY],
            "annotations: 1 values of id occur",
        ),
        ([IMAGE], [{**OBJECT, "bbox": [0, 0, 1]}], [CATEGORY], "annotation 0: .* bbox of four numbers"),
        ([IMAGE], [OBJECT, {**OBJECT, "image_id": 6}], [CATEGORY], "annotation 1: .* that the file lists"),
        ([IMAGE], [{**OBJECT, "category_id": 9}], [CATEGORY], "annotation 0: .* that the file lists"),
        ([IMAGE], [OBJECT], [{"id": 1}], "a category: id and a name are needed"),
        ([IMAGE], [OBJECT], [{"id": 1, "name": " "}], "a category: id and a name are needed"),
        ([IMAGE, IMAGE], [OBJECT], [CATEGORY], "images: 1 values of id occur more than once"),
        ([IMAGE], [{**OBJECT, "id": 7}] * 2, [CATEGORY], "annotations: 1 values of id occur more than once"),
        (
            [IMAGE],
            [OBJECT],
            [CATEGORY, {"id": 1, "name": "dog"}],
            "categories: 1 values of id occur more than once",
        ),
        (
            [IMAGE],
            [{**OBJECT, "iscrowd": "0"}],
            [CATEGORY],
            "annotation 0: an iscrowd of 0 or 1, as a number",
        ),
        (
            [IMAGE],
            [{**OBJECT, "iscrowd": None}],
            [CATEGORY],
            "annotation 0: an iscrowd of 0 or 1, as a number",
        ),
        ([IMAGE], [{**OBJECT, "bbox": [0, 0, -1, 1]}], [CATEGORY], "annotation 0: a bbox of four numbers"),
        ([IMAGE], [{**OBJECT, "bbox": [0, 0, 1, float("nan")]}], [CATEGORY], "annotation 0: a bbox of four"),
        ([IMAGE], [{**OBJECT, "bbox": [0, float("inf"), 1, 1]}], [CATEGORY], "annotation 0: a bbox of four"),
        ([IMAGE], [{**OBJECT, "bbox": [10**400, 0, 1, 1]}], [CATEGORY], "annotation 0: a bbox of four"),
        ([IMAGE], [{**OBJECT, "bbox": ["0", 0, 1, 1]}], [CATEGORY], "annotation 0: a bbox of four"),
        (
            [{**IMAGE, "neg_category_ids": 1}],
            [OBJECT],
            [CATEGORY],
            "a list of category ids in neg_category_ids",
        ),
        ([IMAGE], [OBJECT], None, "a list 'categories' is needed"),
    ],
)
def test_wrong_instances_are_refused(
    tmp_path: Path, images: Any, annotations: Any, categories: Any, message: str
) -> None:
    path = _write(tmp_path, {"images": images, "annotations": annotations, "categories": categories})
    with pytest.raises(VistokError, match=message):
        read_instances(path)


@pytest.mark.parametrize(
    ("box", "kept"),
    [
        ([1, 0, 1, 2], (1.0, 0.0, 1.0, 2.0)),
        ([-1, 0, 2, 1], (-1.0, 0.0, 2.0, 1.0)),
        ([1, 1, 0, 1], (1.0, 1.0, 0.0, 1.0)),
        ([3, 0, 1, 1], (0.0, 0.0, 3.0, 2.0)),
        ([9, 9, 1, 1], (0.0, 0.0, 3.0, 2.0)),
        ([0, -2, 1, 2], (0.0, 0.0, 3.0, 2.0)),
        ([0, -2, 1, 0], (0.0, 0.0, 3.0, 2.0)),
    ],
)
def test_an_object_whose_box_lies_outside_its_image_may_be_anywhere_in_it(
    tmp_path: Path, box: list[int], kept: tuple[float, ...]
) -> None:
    value = {"images": [IMAGE], "annotations": [{**OBJECT, "bbox": box}], "categories": [CATEGORY]}
    (found,) = read_instances(_write(tmp_path, value)).objects[5]
    assert found.box == kept
    known = Annotations((), (found,), (), ("cat", "dog"))
    for part in ((0, 0, 3, 2), (0, 0, 1, 1), (2, 0, 3, 1)):
        inside = within(known, part)
        assert box[0] < 3 or inside.objects or inside.unsure == {"cat"}


def test_a_name_under_two_ids_is_one_category(tmp_path: Path) -> None:
    value = {"images": [IMAGE], "annotations": [OBJECT], "categories": [CATEGORY, {**CATEGORY, "id": 2}]}
    assert read_instances(_write(tmp_path, value)).vocabulary == ("cat",)


def test_a_federated_file_says_what_is_absent_and_what_is_not_counted(tmp_path: Path) -> None:
    image: dict[str, Any] = {"height": 2, "width": 3, "coco_url": "http://x.example/val/000000000005.jpg"}
    value = {
        "images": [
            {**image, "id": 5, "neg_category_ids": [2], "not_exhaustive_category_ids": [1]},
            {**image, "id": 6, "neg_category_ids": [], "not_exhaustive_category_ids": []},
        ],
        "annotations": [OBJECT],
        "categories": [CATEGORY, {"id": 2, "name": "dog"}, {"id": 3, "name": "emu"}],
    }
    result = read_instances(_write(tmp_path, value))
    assert result.absent == {5: {"dog"}, 6: frozenset()}
    assert (result.vocabulary, result.categories) == (("cat", "dog", "emu"), ())
    assert result.images[5].file_name == "000000000005.jpg"
    assert [(each.category, each.crowd) for each in result.objects[5]] == [("cat", True)]


def test_what_is_annotated_is_not_absent(tmp_path: Path) -> None:
    images = [{**IMAGE, "neg_category_ids": [1, 2]}]
    categories = [CATEGORY, {"id": 2, "name": "dog"}]
    value = {"images": images, "annotations": [OBJECT], "categories": categories}
    assert read_instances(_write(tmp_path, value)).absent == {5: {"dog"}}


def test_one_federated_image_makes_a_federated_file(tmp_path: Path) -> None:
    images = [IMAGE, {**IMAGE, "id": 6, "neg_category_ids": [1]}]
    result = read_instances(_write(tmp_path, {"images": images, "annotations": [], "categories": [CATEGORY]}))
    assert result.absent == {5: frozenset(), 6: {"cat"}}


def test_an_image_without_a_name_is_known_by_its_id(tmp_path: Path) -> None:
    value = {"images": [{"id": 5, "height": 2, "width": 3}], "annotations": [], "categories": [CATEGORY]}
    assert read_instances(_write(tmp_path, value)).images[5].file_name is None


def test_captions_that_stand_twice_are_refused(tmp_path: Path) -> None:
    row = {"id": 1, "image_id": 5, "caption": "a"}
    with pytest.raises(VistokError, match=r"annotations: 1 values of id occur more than once \(first: 1\)"):
        read_captions(_write(tmp_path, {"images": [IMAGE], "annotations": [row, row]}))
    with pytest.raises(VistokError, match="images: 1 values of id occur more than once"):
        read_captions(_write(tmp_path, {"images": [IMAGE, IMAGE], "annotations": [row]}))


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ({"image_id": 6, "caption": "a"}, "that the file lists"),
        ({"image_id": 5}, "annotation 0: .*a caption are"),
    ],
)
def test_wrong_captions_are_refused(tmp_path: Path, annotation: Any, message: str) -> None:
    path = _write(tmp_path, {"images": [IMAGE], "annotations": [annotation]})
    with pytest.raises(VistokError, match=message):
        read_captions(path)


def test_an_instances_file_is_no_captions_file(shared_data: Path) -> None:
    with pytest.raises(VistokError, match="a caption are needed, found"):
        read_captions(shared_data / "coco/annotations/instances_val2017.json")


def _write(folder: Path, value: Any) -> Path:
    path = folder / "file.json"
    path.write_text(json.dumps(value))
    return path
