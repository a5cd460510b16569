import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from vistok.datasets.coco import ObjectAnnotation
from vistok.datasets.openimages import openimages_source, read_boxes, read_classes, read_relatives
from vistok.datasets.sources import open_source
from vistok.errors import VistokError
from vistok.grid.image_sets import ImageSet

HEADER = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf"
CLASSES = {"/m/01g317": "Person", "/m/01yrx": "Cat"}


@pytest.fixture
def photographs(tmp_path: Path, make_jpeg: Callable[..., bytes]) -> Path:
    """Photographs of 40 x 20 pixels: those of the official excerpts, and three more."""
    folder = tmp_path / "train"
    for number, image in enumerate(["000002b66c9c498e", "0001eeaf4aed83f9", "a1", "b2", "c3"]):
        path = folder / (f"train_{image[0]}/{image}.jpg" if number else f"{image}.jpg")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make_jpeg(number, (40, 20)))
    return folder


def write_boxes(path: Path, *lines: str) -> Path:
    path.write_text("\n".join([HEADER, *lines, ""]))
    return path


def line(image: str, label: str = "/m/01yrx", box: str = "0.1,0.5,0.2,1.0", group: str = "0") -> str:
    return f"{image},xclick,{label},1,{box},0,0,{group}"


def test_files_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("/m/01yrx,Cat\n", encoding="utf-8-sig")
    boxes = write_boxes(tmp_path / "b.csv", line("a1"))
    boxes.write_text(boxes.read_text(), encoding="utf-8-sig")
    assert [box.category for box in read_boxes(boxes, read_classes(tmp_path / "c.csv"))] == ["Cat"]


def test_a_class_with_two_names_is_refused_and_an_empty_line_is_none(tmp_path: Path) -> None:
    classes = tmp_path / "c.csv"
    classes.write_text("/m/01yrx,Cat\n\n/m/01yrx,Cat (Animal)\n\n")
    boxes = write_boxes(tmp_path / "b.csv", line("a1"), "", line("a1", box="0,0.1,0,0.1"))
    assert [box.category for box in read_boxes(boxes, read_classes(classes))] == ["Cat", "Cat"]
    classes.write_text("/m/01yrx,Cat\n/m/01yrx,Wolf\n")
    with pytest.raises(VistokError, match=r"line 2: /m/01yrx is called 'Wolf' and, before, 'Cat'"):
        read_classes(classes)


def test_whether_a_box_is_of_a_group_is_a_number(tmp_path: Path) -> None:
    boxes = write_boxes(tmp_path / "b.csv", line("a1", group="False"))
    with pytest.raises(VistokError, match=r"line 2: .*an IsGroupOf of 0, 1 or -1"):
        list(read_boxes(boxes, CLASSES))


def test_files_may_be_gzipped_and_in_any_unicode_encoding(tmp_path: Path) -> None:
    boxes = write_boxes(tmp_path / "b.csv", line("a1"))
    content = boxes.read_text()
    for data in (
        content.encode("utf-16"),
        gzip.compress(content.encode()),
        gzip.compress(content.encode("utf-16")),
    ):
        boxes.write_bytes(data)
        assert [box.category for box in read_boxes(boxes, CLASSES)] == ["Cat"]
    for data, message in (
        (gzip.compress(content.encode())[:-9], "is not valid CSV: Compressed file ended"),
        (gzip.compress(content.encode())[:-8] + b"12345678", "is not valid CSV: CRC check failed"),
        (b"PK\x03\x04" + bytes(600), "is not CSV: it is a zip archive"),
    ):
        boxes.write_bytes(data)
        with pytest.raises(VistokError, match=message):
            [*read_boxes(boxes, CLASSES)]


def test_the_official_excerpt_with_clicks(shared_data: Path, photographs: Path) -> None:
    folder = shared_data / "openimages"
    source = openimages_source(
        photographs,
        folder / "oidv6-train-annotations-bbox_excerpt.csv",
        folder / "class-descriptions-boxable.csv",
    )
    (row,) = source.rows
    assert source.categories == (), "what is not boxed is not said to be absent"
    assert row.image_id == "000002b66c9c498e"
    assert row.image == (photographs / "000002b66c9c498e.jpg").read_bytes()
    assert [(entry.category, entry.crowd) for entry in row.objects] == [("Person", False)] * 3
    width, height = (0.195312 - 0.0125) * 40, (0.5875 - 0.148438) * 20
    assert row.objects[0].box == pytest.approx((0.0125 * 40, 0.148438 * 20, width, height))


def test_the_official_excerpt_without_clicks(shared_data: Path, photographs: Path) -> None:
    folder = shared_data / "openimages"
    boxes, classes = "train-annotations-bbox_noclick_excerpt.csv", "class-descriptions-boxable.csv"
    (row,) = openimages_source(photographs, folder / boxes, folder / classes).rows
    assert row.image == (photographs / "train_0/0001eeaf4aed83f9.jpg").read_bytes()
    assert [entry.category for entry in row.objects] == ["Fixed-wing aircraft"]


TREE = {
    "LabelName": "/m/0bl9f",
    "Subcategory": [
        {"LabelName": "/m/01g317", "Subcategory": [{"LabelName": "/m/04yx4"}, {"LabelName": "/m/03bt1vf"}]},
        {"LabelName": "/m/0k4j", "Part": [{"LabelName": "/m/083wq"}]},
    ],
}
FAMILY = {
    "/m/01g317": "Person",
    "/m/04yx4": "Man",
    "/m/03bt1vf": "Woman",
    "/m/0k4j": "Car",
    "/m/083wq": "Wheel",
}


def test_relatives_are_the_classes_above_and_below(tmp_path: Path) -> None:
    path = tmp_path / "tree.json"
    path.write_text(json.dumps(TREE))
    assert read_relatives(path, FAMILY) == {
        "Person": {"Man", "Woman"},
        "Man": {"Person"},
        "Woman": {"Person"},
        "Car": frozenset(),
        "Wheel": frozenset(),
    }
    path.write_text(json.dumps([TREE]))
    with pytest.raises(VistokError, match=r"tree\.json.*a class: a LabelName is"):
        read_relatives(path, FAMILY)


def test_a_class_is_not_counted_beside_one_above_or_below_it(tmp_path: Path, photographs: Path) -> None:
    """A man beside two persons: neither how many persons there are is said, nor how many men."""
    (tmp_path / "tree.json").write_text(json.dumps(TREE))
    (tmp_path / "classes.csv").write_text("".join(f"{label},{name}\n" for label, name in FAMILY.items()))
    person, man, car = "/m/01g317", "/m/04yx4", "/m/0k4j"
    lines = [line("a1", person), line("a1", person), line("a1", man), line("a1", car), line("b2", person)]
    write_boxes(tmp_path / "boxes.csv", *lines)
    image_set = ImageSet(
        format="openimages",
        images=photographs.name,
        instances="boxes.csv",
        categories="classes.csv",
        hierarchy="tree.json",
    )
    first, second = open_source(image_set, tmp_path).rows
    assert [(entry.category, entry.crowd) for entry in first.objects] == [
        ("Person", True),
        ("Person", True),
        ("Man", True),
        ("Car", False),
    ]
    assert [entry.crowd for entry in second.objects] == [False]
    (plain, _) = open_source(image_set.model_copy(update={"hierarchy": None}), tmp_path).rows
    assert not any(entry.crowd for entry in plain.objects)


def test_every_official_class_has_a_name_of_its_own(shared_data: Path) -> None:
    names = read_classes(shared_data / "openimages/class-descriptions-boxable.csv")
    assert len(names) == len(set(names.values())) == 601
    assert (names["/m/01g317"], names["/m/01h44"]) == ("Person", "Bat")


def test_a_set_of_a_scale(tmp_path: Path, photographs: Path) -> None:
    """V5's class file has no header; a group, or what may be one, is a crowd."""
    (tmp_path / "classes.csv").write_text('/m/01g317,Person\n/m/01yrx,"Cat"\n')
    write_boxes(
        tmp_path / "boxes.csv",
        line("b2", group="1"),
        line("b2", "/m/01g317", group="-1"),
        line("a1"),
        line("c3"),
    )
    image_set = ImageSet(
        format="openimages", images="train", instances="boxes.csv", categories="classes.csv", first=2
    )
    rows = {row.image_id: row.objects for row in open_source(image_set, tmp_path).rows}
    assert [*rows] == ["b2", "a1"]
    assert [(entry.category, entry.crowd) for entry in rows["b2"]] == [("Cat", True), ("Person", True)]
    assert rows["a1"] == (ObjectAnnotation("Cat", (4.0, 4.0, 16.0, 16.0), crowd=False),)


@pytest.mark.parametrize(
    "bad",
    [
        line("a1", "/m/unknown"),
        line("", "/m/01yrx"),
        line("a1", box="0.1,0.5,x,1.0"),
        line("a1", box="0.5,0.1,0.2,1.0"),
        line("a1", box="0.1,0.5,0.2,1.2"),
        line("a1", box="0.1,nan,0.2,1.0"),
        "a1,xclick,/m/01yrx,1,0.1,0.5,0.2",
    ],
)
def test_a_wrong_line_is_refused(tmp_path: Path, bad: str) -> None:
    path = write_boxes(tmp_path / "boxes.csv", line("a1"), bad)
    boxes = read_boxes(path, CLASSES)
    assert next(boxes).category == "Cat"
    with pytest.raises(VistokError, match=rf"boxes.csv, line 3: an image, a class .* needed, found {bad}"):
        next(boxes)


def test_another_file_is_refused(tmp_path: Path, photographs: Path) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text("ImageID,Source,LabelName,Confidence\na,verification,/m/01yrx,1\n")
    with pytest.raises(
        VistokError, match=r"IsGroupOf, XMin, XMax, YMin, YMax not found in ImageID, Source, LabelName"
    ):
        next(read_boxes(path, CLASSES))
    path.write_text("")
    with pytest.raises(VistokError, match="not found in an empty line"):
        next(read_boxes(path, CLASSES))
    path.write_bytes(b"caf\xe9")
    with pytest.raises(VistokError, match=r"boxes.csv \(Open Images boxes file\) is not valid CSV"):
        next(read_boxes(path, CLASSES))
    with pytest.raises(
        VistokError, match=r"class descriptions cannot be read: .*absent.csv: No such file.* \.csv"
    ):
        openimages_source(photographs, path, tmp_path / "absent.csv")
    path.write_text("Tortoise,/m/011k07\n")
    with pytest.raises(
        VistokError, match=r"line 1: an identifier such as /m/01g317 and a name are needed, found \["
    ):
        read_classes(path)


def test_an_image_is_one_row_or_none(tmp_path: Path, photographs: Path) -> None:
    (tmp_path / "classes.csv").write_text("LabelName,DisplayName\n/m/01yrx,Cat\n")
    path = write_boxes(tmp_path / "boxes.csv", line("a1"), line("b2"), line("a1"))
    with pytest.raises(VistokError, match="the boxes of image a1 do not stand together"):
        list(openimages_source(photographs, path, tmp_path / "classes.csv").rows)
    write_boxes(path, line("d4"))
    with pytest.raises(
        VistokError, match=r"image 'train_d/d4.jpg' not found: no file train_d/d4.jpg in .*train"
    ):
        list(openimages_source(photographs, path, tmp_path / "classes.csv").rows)
    (photographs / "d4.jpg").write_bytes(b"no image")
    with pytest.raises(VistokError, match="image d4 cannot be decoded: not an image"):
        list(openimages_source(photographs, path, tmp_path / "classes.csv").rows)
