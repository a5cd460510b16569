"""Released files agree with the real annotations; a wrong record is named."""

import json
from pathlib import Path

import pytest

from vistok.benchmark.annotations import read_annotations
from vistok.benchmark.check import check_questions
from vistok.datasets.gvtbench import read_object_questions


@pytest.mark.parametrize(("name", "checked"), [("coco_oc", 146), ("coco_mci", 186)])
def test_released_files_agree_with_the_annotations(shared_data: Path, name: str, checked: int) -> None:
    report = check_questions(
        read_object_questions(shared_data / f"gvtbench/{name}.json"),
        read_annotations(shared_data / "coco/annotations/instances_val2017.json"),
    )
    assert report.lines == (
        f"answers agree {checked}/{checked}, n_obj_exist {checked}/{checked}",
        f"{10_000 - checked} questions are about images without annotations",
    )


@pytest.mark.parametrize(("name", "checked"), [("vcr_oc", 1), ("vcr_mci", 2)])
def test_released_vcr_files_agree_with_the_metadata(shared_data: Path, name: str, checked: int) -> None:
    report = check_questions(
        read_object_questions(shared_data / f"gvtbench/{name}.json"),
        read_annotations(shared_data / "vcr/vcr1images"),
    )
    assert (report.checked, report.disagreements) == (checked, ())


def test_every_disagreement_is_named(shared_data: Path, tmp_path: Path) -> None:
    records = [
        {
            "image_id": 802,
            "text_in": "How many ovens are there in the image?",
            "text_out": "2",
            "n_obj_exist": 3,
        },
        {"image_id": 802, "text_in": "Does oven exist in the image?", "text_out": "Yes.", "n_obj_exist": 2},
        {"image_id": 802, "text_in": "Does zebra exist in the image?", "text_out": "Yes.", "n_obj_exist": 2},
        {"image_id": 1, "text_in": "Does zebra exist in the image?", "text_out": "Yes.", "n_obj_exist": 2},
    ]
    path = tmp_path / "oc.json"
    path.write_text(json.dumps(records))
    report = check_questions(
        read_object_questions(path), read_annotations(shared_data / "coco/annotations/instances_val2017.json")
    )
    first, second, *wrong = report.lines
    assert first == "answers agree 1/3, n_obj_exist 2/3"
    assert second == "1 questions are about images without annotations"
    assert wrong == [
        "question 0, image 802, 'How many ovens are there in the image?': answer is 2, annotations say 1",
        "question 0, image 802, 'How many ovens are there in the image?': n_obj_exist is 3, "
        "annotations say 2",
        "question 2, image 802, 'Does zebra exist in the image?': answer is Yes., annotations say No.",
    ]
