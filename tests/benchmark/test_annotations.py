"""Annotations count crowds, name images as the benchmark does, and are restricted by lists."""

import gzip
import json
from pathlib import Path

import pytest
from tests.benchmark.conftest import write_instances

from vistok.benchmark.annotations import read_annotations, read_categories, read_image_list, select
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


def test_a_list_of_images_is_read_from_ids_names_and_paths(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("139\n000000000285.jpg\nval2014/COCO_val2014_000000000632.jpg 632\n\n")
    assert read_image_list(path, "coco") == (139, 285, 632)


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
        match=r"list\.txt\.gz \(image list\) is no (text|whole gzip file).*fetch or make it again",
    ):
        read_image_list(path, "coco")
    with pytest.raises(VistokError, match=r"list\.txt\.gz \(vocabulary\) is no (text|whole gzip file)"):
        read_categories(path)


def test_an_empty_folder_and_a_wrong_vocabulary_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VistokError, match="found none"):
        read_annotations(tmp_path)
    wrong = tmp_path / "wrong.json"
    wrong.write_text("[1]")
    with pytest.raises(VistokError, match="no vocabulary"):
        read_categories(wrong)
