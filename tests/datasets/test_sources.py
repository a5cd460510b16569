import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from vistok.datasets.coco import ObjectAnnotation
from vistok.datasets.rows import QuestionAnswer
from vistok.datasets.sources import open_source
from vistok.errors import VistokError
from vistok.grid.scale import ImageSet

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


def test_webdataset_reads_tars_in_order(web_set: Set) -> None:
    rows = list(open_source(*web_set).rows)
    assert [(row.image_id, row.captions) for row in rows] == [
        ("000000000", ("first",)), ("000000001", ("a caption in JSON",)), ("000010000", ("third",))
    ]  # fmt: skip


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
