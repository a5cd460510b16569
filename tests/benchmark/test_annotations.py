"""Annotations count crowds, name images as the benchmark does, and are restricted by lists."""

import gzip
import json
from pathlib import Path

import pytest
from tests.benchmark.conftest import write_instances

from vistok.benchmark.annotations import (
    not_annotated,
    read_annotations,
    read_categories,
    read_image_list,
    select,
)
from vistok.errors import VistokError


def test_crowds_count_as_one_object_and_are_marked(tmp_path: Path) -> None:
    path = write_instances(tmp_path / "i.json", [{"person": 3, "knife": 1}], crowds=[(1, "person")])
    (image,) = read_annotations(path).images
    assert (dict(image.counts), image.objects, image.crowds) == ({"person": 4, "knife": 1}, 5, {"person"})


def test_images_without_objects_are_kept(shared_data: Path) -> None:
    images = read_annotations(shared_data / "coco/annotations/instances_val2017.json").images
    assert (len(images), sum(not image.objects for image in images)) == (74, 2)


def test_vcr_folder_names_images_below_it(vcr_folder: Path) -> None:
    annotations = read_annotations(vcr_folder)
    assert annotations.origin == "vcr"
    assert [image.image_id for image in annotations.images] == ["lsmdc_1/a@0.jpg", "movieclips_2/b@1.jpg"]
    assert annotations.categories == ("cup", "person", "tie", "wineglass")


def test_vcr_images_keep_their_own_suffix(vcr_folder: Path) -> None:
    (vcr_folder / "lsmdc_1/a@0.png").touch()
    assert read_annotations(vcr_folder).images[0].image_id == "lsmdc_1/a@0.png"


def test_real_metadata_agrees_with_the_record_beside_it(shared_data: Path) -> None:
    (image,) = read_annotations(shared_data / "vcr/vcr1images").images
    (listed,) = read_image_list(shared_data / "vcr/val_excerpt.jsonl", "vcr")
    assert (image.image_id, image.objects) == (listed, 6)


def test_vocabulary_of_vcr(shared_data: Path, tmp_path: Path) -> None:
    assert len(read_categories(shared_data / "vcr/cocoontology.json")) == 80
    text = tmp_path / "names.txt"
    text.write_text("cross\nhalf moon\n")
    assert read_categories(text) == ("cross", "half moon")


def test_a_name_stands_in_a_vocabulary_once_and_is_one(tmp_path: Path) -> None:
    text, listed = tmp_path / "names.txt", tmp_path / "names.json"
    text.write_text("dog\ncat\n dog \n")
    listed.write_text('{"1": {"name": "dog"}, "2": {"name": "cat"}, "3": {"name": "dog"}}')
    assert read_categories(text) == read_categories(listed) == ("dog", "cat")
    for path, content in (
        (text, "\n \n"),
        (listed, "{}"),
        (listed, '{"1": {"name": " "}}'),
        (listed, '{"1": {"name": 5}}'),
    ):
        path.write_text(content)
        with pytest.raises(VistokError, match="is not a vocabulary"):
            read_categories(path)


def test_a_list_of_images_is_read_from_ids_names_and_paths(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("139\n000000000285.jpg\nval2014/COCO_val2014_000000000632.jpg 632\n\n")
    assert read_image_list(path, "coco") == (139, 285, 632)


@pytest.mark.parametrize(
    ("line", "image"),
    [
        ("\ufeff139", 139),
        ("  139 ", 139),
        ("139.0", 139),
        ("139.jpg", 139),
        ("x/COCO_train2014_000000000139.JPG", 139),
        ("000000000139.jpg#4\tA man.", 139),
        ("000000000139.jpg a/000000000285.jpg", 139),
        ("1000000000139", 1000000000139),
    ],
)
def test_a_line_of_a_list_names_the_image_that_it_says(tmp_path: Path, line: str, image: int) -> None:
    (tmp_path / "list.txt").write_text(f"{line}\n", encoding="utf-8")
    assert read_image_list(tmp_path / "list.txt", "coco") == (image,)


@pytest.mark.parametrize(
    "line",
    ["-139", "1.4e3", "1.4", "+5", "0x8b", "139,285", "photo_7.jpg", "img (3).png", "1000000000139.jpg", "139.txt",
     "v2-139", "val2014_139", "9" * 5000],
)  # fmt: skip
def test_a_line_that_only_ends_in_a_number_names_no_image(tmp_path: Path, line: str) -> None:
    (tmp_path / "list.txt").write_text(f"285\n{line}\n")
    with pytest.raises(VistokError, match=r"list\.txt, line 2: .* names no COCO image"):
        read_image_list(tmp_path / "list.txt", "coco")


def test_paths_of_vcr_may_hold_spaces(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("\ufefflsmdc 1/a b@0.jpg\nmovie/c@1.png 0\n", encoding="utf-8")
    assert read_image_list(path, "vcr") == ("lsmdc 1/a b@0.jpg", "movie/c@1.png")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.jpg b.jpg", "one path that ends in"),
        ("movie/clip@0", "one path that ends in"),
        ('{"img_fn": 3}', "img_fn is needed"),
        ('{"img": "a.jpg"}', "img_fn is needed"),
        ('{"img_fn": "a.jpg", "img_fn": "b.jpg"}', "img_fn is needed"),
    ],
)
def test_a_line_that_names_no_or_two_images_of_vcr_is_refused(
    tmp_path: Path, line: str, message: str
) -> None:
    (tmp_path / "list.txt").write_text(line)
    with pytest.raises(VistokError, match=rf"list\.txt, line 1: .*{message}"):
        read_image_list(tmp_path / "list.txt", "vcr")


def test_images_of_a_list_that_are_not_annotated_are_known(vcr_folder: Path) -> None:
    annotations = read_annotations(vcr_folder)
    known = annotations.images[0].image_id
    assert not_annotated(annotations, ["x.jpg", known, "y.jpg", "x.jpg"]) == ("x.jpg", "y.jpg")


def test_a_vocabulary_may_begin_with_a_mark(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_bytes("\ufeffcross\r\nhalf moon\r\n".encode("utf-16-le"))
    assert read_categories(tmp_path / "names.txt") == ("cross", "half moon")


def test_karpathy_lists_are_read_as_they_are(shared_data: Path) -> None:
    assert len(read_image_list(shared_data / "coco/karpathy/karpathy_val_images.txt.gz", "coco")) == 5000


def test_gzipped_vcr_records_repeat_their_image(tmp_path: Path) -> None:
    path = tmp_path / "val.jsonl.gz"
    path.write_bytes(
        gzip.compress(b"".join(json.dumps({"img_fn": "a/b.jpg"}).encode() + b"\n" for _ in range(3)))
    )
    assert read_image_list(path, "vcr") == ("a/b.jpg",) * 3


def test_select_keeps_the_order_and_the_repeats_of_the_list(vcr_folder: Path) -> None:
    annotations = read_annotations(vcr_folder)
    first, second = (image.image_id for image in annotations.images)
    kept = select(annotations, keep=[second, first, second, "elsewhere.jpg"])
    assert [image.image_id for image in kept] == [second, first, second]
    assert [image.image_id for image in select(annotations, leave_out=[first])] == [second]


@pytest.mark.parametrize("line", ["no number", "img_fn.jpg"])
def test_a_list_without_ids_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(line)
    with pytest.raises(VistokError, match="names no COCO image"):
        read_image_list(path, "coco")


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(b"139\n285\n")[:-9],
        gzip.compress(b"139\n285\n")[:-1] + b"?",
        b"\x1f\x8b" + b"?" * 20,
        gzip.compress(b"\xff\xd8\xff\xe0"),
        b"\xff\xd8\xff\xe0",
    ],
    ids=["truncated", "wrong sum", "no gzip", "gzipped photograph", "photograph"],
)
def test_a_list_that_is_no_text_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "list.txt.gz"
    path.write_bytes(data)
    with pytest.raises(
        VistokError,
        match=r"list\.txt\.gz \(image list\) is not (text|a whole gzip file).*fetch or make it again",
    ):
        read_image_list(path, "coco")
    with pytest.raises(VistokError, match=r"list\.txt\.gz \(vocabulary\) is not (text|a whole gzip file)"):
        read_categories(path)


def test_an_empty_folder_and_a_wrong_vocabulary_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VistokError, match="found none"):
        read_annotations(tmp_path)
    wrong = tmp_path / "wrong.json"
    wrong.write_text("[1]")
    with pytest.raises(VistokError, match="not a vocabulary"):
        read_categories(wrong)
