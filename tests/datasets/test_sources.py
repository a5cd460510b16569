import json
from collections.abc import Callable
from pathlib import Path

import pytest

from vistok.datasets.coco import ObjectAnnotation
from vistok.datasets.rows import QuestionAnswer
from vistok.datasets.shards import Shards, write_shards
from vistok.datasets.sources import open_source
from vistok.errors import VistokError
from vistok.grid.image_sets import ImageSet
from vistok.grid.marks import counted

Set = tuple[ImageSet, Path]
MakeTar = Callable[[Path, list[tuple[str, bytes]]], None]


def changed(image_set: ImageSet, **changes: object) -> ImageSet:
    return image_set.model_copy(update=changes)


def test_coco_joins_its_files(coco_set: Set) -> None:
    source = open_source(*coco_set)
    rows = {row.image_id: row for row in source.rows}
    assert source.categories == ("cat", "dog", "wine glass", "person")
    assert list(rows) == ["1", "2", "3", "4", "5", "6"]
    assert rows["1"].captions == ("caption 1\n of 1 ", "caption 2\n of 1 ")
    assert rows["1"].objects == (ObjectAnnotation("cat", (1, 2, 3.5, 4), crowd=False),) * 2
    assert rows["1"].questions[0] == QuestionAnswer("what is it?", "cat")
    assert rows["3"].captions == rows["3"].objects == rows["3"].questions == ()
    assert rows["6"].image == (coco_set[1] / "coco/train2017/000000000006.jpg").read_bytes()


def test_what_else_is_told_comes_along(coco_set: Set, tmp_path: Path) -> None:
    image_set, root = coco_set
    path = root / str(image_set.instances)
    value = json.loads(path.read_text())
    value["images"][0]["attributes"] = {"background": "sand", "backgrounds": ["sand", "sea"]}
    for annotation in value["annotations"]:
        annotation["attributes"] = {"size": "small", "color": "red", "occluded": False}
    path.write_text(json.dumps(value))
    write_shards(image_set, root, tmp_path / "shards")
    rows = {row.image_id: row for row in Shards(tmp_path / "shards")}
    image = str(value["images"][0]["id"])
    assert rows[image].attributes == (
        ("background", "sand"),
        ("backgrounds.0", "sand"),
        ("backgrounds.1", "sea"),
    )
    assert all(row.attributes == () for name, row in rows.items() if name != image)
    objects = [entry for row in rows.values() for entry in row.objects]
    assert objects and {entry.attributes for entry in objects} == {(("color", "red"), ("size", "small"))}


def test_an_empty_caption_is_none(coco_set: Set) -> None:
    image_set, root = coco_set
    path = root / str(image_set.captions)
    value = json.loads(path.read_text())
    for annotation in value["annotations"][1:]:
        annotation["caption"] = " \n"
    path.write_text(json.dumps(value))
    rows = list(open_source(image_set, root).rows)
    assert sum(len(row.captions) for row in rows) == 1


def test_every_coco_file_is_optional(coco_set: Set) -> None:
    image_set, root = coco_set
    captions = ImageSet(format="coco", images=image_set.images, captions="captions.json")
    assert [(row.image_id, len(row.captions)) for row in open_source(captions, root).rows] == [
        *(("1", 2), ("2", 2)), *((str(n), 0) for n in range(3, 7))
    ]  # fmt: skip
    questions = ImageSet(
        format="coco", images=image_set.images, questions="questions.json", annotations="annotations.json"
    )
    assert [(row.image_id, len(row.questions)) for row in open_source(questions, root).rows] == [
        ("1", 3),
        ("2", 1),
    ]
    images = open_source(ImageSet(format="coco", images=image_set.images), root)
    assert [row.image_id for row in images.rows] == ["1", "2", "3", "4", "5", "6"]
    assert images.categories == ()


def test_first_limits_the_number(coco_set: Set, imagenet_set: Set, web_set: Set) -> None:
    for image_set, root in (coco_set, imagenet_set, web_set):
        assert len(list(open_source(changed(image_set, first=2), root).rows)) == 2


def test_images_that_are_asked_about_are_left_out(coco_set: Set) -> None:
    image_set, root = coco_set
    for name, images in (("val.json", [1, 4]), ("test.json", [6, 99])):
        asked = {"images": [{"id": image} for image in images], "annotations": []}
        (root / name).write_text(json.dumps(asked))
    left = changed(image_set, leave_out=("val.json", "test.json"))
    assert [row.image_id for row in open_source(left, root).rows] == ["2", "3", "5"]
    assert [row.image_id for row in open_source(changed(left, first=2), root).rows] == ["2", "3"]
    with pytest.raises(VistokError, match=r"COCO captions file not found: .*absent\.json"):
        open_source(changed(image_set, leave_out=("absent.json",)), root)


def test_only_sets_with_cocos_ids_leave_images_out() -> None:
    with pytest.raises(ValueError, match=r"'webdataset' has not. Legal for: \['coco', 'llava'\]"):
        ImageSet(format="webdataset", images="web", leave_out=("val.json",))
    named = ImageSet(format="llava", images="x", questions="y.json", leave_out=("val.json",))
    assert named.files == ("y.json", "val.json")


def test_official_photographs_without_ids_in_their_names(shared_data: Path) -> None:
    source = open_source(ImageSet(format="coco", images="photos"), shared_data)
    rows = list(source.rows)
    assert len(rows) == 18
    assert rows[0].image_id == "0006400c1c224e19.jpg"


def test_objects365_names_are_found_by_file_name(coco_set: Set) -> None:
    """Ids of other sets do not stand in their file names in twelve digits."""
    root = coco_set[1]
    official = json.loads((root / "instances.json").read_text())
    for image in official["images"]:
        name = f"patch0/objects365_v2_{image['id']:08d}.jpg"
        (root / "o365/patch0").mkdir(parents=True, exist_ok=True)
        (root / "coco/train2017" / image["file_name"]).rename(root / "o365" / name)
        image["file_name"] = name
    (root / "instances.json").write_text(json.dumps(official))
    source = open_source(ImageSet(format="coco", images="o365", instances="instances.json"), root)
    assert [row.image_id for row in source.rows] == ["1", "2", "3", "4", "5", "6"]


def test_what_a_set_lacks_is_named(coco_set: Set, web_set: Set) -> None:
    image_set, root = coco_set
    with pytest.raises(VistokError, match=r"image folder not found: .*/absent"):
        open_source(changed(image_set, images="absent"), root)
    with pytest.raises(
        VistokError, match=r"two files, `questions` and `annotations`; found only questions.json"
    ):
        open_source(changed(image_set, annotations=None), root)
    with pytest.raises(VistokError, match=r"no .tar files in"):
        open_source(ImageSet(format="webdataset", images=image_set.images), root)
    (root / "annotations.json").write_text('{"annotations": []}')
    with pytest.raises(VistokError, match=r"question 0 of questions.json has no answer in"):
        open_source(image_set, root)


def test_a_missing_image_is_named(coco_set: Set) -> None:
    image_set, root = coco_set
    (root / "coco/train2017/000000000004.jpg").unlink()
    with pytest.raises(VistokError, match=r"image '000000000004.jpg' not found: no file .* in .*train2017"):
        list(open_source(image_set, root).rows)


def test_absent_images_are_counted_before_any_is_read(coco_set: Set, tmp_path: Path) -> None:
    """Objects365's own archives lack some that it lists; a job of hours must not find that out at its end."""
    image_set, root = coco_set
    folder = root / image_set.images
    for image in (4, 6):
        (folder / f"{image:012d}.jpg").unlink()
    (folder / "000000000001.jpg").write_bytes(b"broken, and never read")
    assert open_source(image_set, root).absent() == ["000000000004.jpg", "000000000006.jpg"]
    with pytest.raises(
        VistokError, match=r"2 of its images are absent .*, the first '000000000004.jpg'.*allows 1"
    ):
        write_shards(changed(image_set, unusable=1), root, tmp_path / "shards")
    assert not (tmp_path / "shards").exists()


def test_so_many_images_as_a_set_allows_are_left_out_and_recorded(coco_set: Set, tmp_path: Path) -> None:
    image_set, root = coco_set
    whole = [row for row in open_source(image_set, root).rows if row.image_id not in ("2", "4")]
    (root / image_set.images / "000000000004.jpg").unlink()
    cut = root / image_set.images / "000000000002.jpg"
    cut.write_bytes(cut.read_bytes()[:-20])
    out = tmp_path / "shards"
    with pytest.raises(
        VistokError, match=r"2 of its images cannot be used: image '000000000004.jpg' not found"
    ):
        write_shards(changed(image_set, unusable=1), root, out)
    assert not out.exists()
    assert write_shards(changed(image_set, unusable=2), root, out) == 4
    shards = Shards(out)
    assert list(shards) == whole
    assert shards.manifest.unusable == {"2": "broken", "4": "absent"}
    (out / "_manifest.json").write_text((out / "_manifest.json").read_text().replace('"absent"', '"broken"'))
    with pytest.raises(VistokError, match="not as it was written"):
        Shards(out)


def test_a_sample_without_a_caption_can_be_left_out(
    web_set: Set, make_tar: MakeTar, make_jpeg: Callable[..., bytes], tmp_path: Path
) -> None:
    image_set, root = web_set
    make_tar(
        root / "web/00001.tar", [("1.jpg", make_jpeg(1)), ("2.jpg", b"GIF89a"), ("2.txt", b"no photograph")]
    )
    with pytest.raises(VistokError, match=r"1 of its images cannot be used: .*sample '1': an image"):
        write_shards(image_set, root, tmp_path / "shards")
    write_shards(changed(image_set, unusable=2), root, tmp_path / "shards")
    assert Shards(tmp_path / "shards").manifest.unusable == {"1": "broken", "2": "broken"}


def test_what_is_left_out_because_it_is_asked_about_need_not_be_there(coco_set: Set) -> None:
    image_set, root = coco_set
    (root / "val.json").write_text(json.dumps({"images": [{"id": 4}], "annotations": []}))
    (root / image_set.images / "000000000004.jpg").unlink()
    source = open_source(changed(image_set, leave_out=("val.json",)), root)
    assert source.absent() == [] and len(list(source.rows)) == 5


@pytest.mark.parametrize("unusable", [0, 3])
def test_what_may_be_absent_decides_no_bytes(coco_set: Set, tmp_path: Path, unusable: int) -> None:
    image_set, root = coco_set
    write_shards(image_set, root, tmp_path / "before")
    write_shards(changed(image_set, unusable=unusable), root, tmp_path / "after")
    for path in (tmp_path / "before").iterdir():
        assert (tmp_path / "after" / path.name).read_bytes() == path.read_bytes()
    assert counted(image_set) == counted(changed(image_set, unusable=unusable))
