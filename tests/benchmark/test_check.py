"""Released files agree with the real annotations; a wrong record is named."""

import argparse
import json
from pathlib import Path

import pytest

from vistok.benchmark.annotations import read_annotations
from vistok.benchmark.check import check_questions
from vistok.commands.curate import add_check_arguments, run_check
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


def asked(path: Path, image: int | str, answers: dict[str, str], objects: int) -> Path:
    rows = [
        {"image_id": image, "text_in": text, "text_out": said, "n_obj_exist": objects}
        for text, said in answers.items()
    ]
    path.write_text(json.dumps(rows))
    return path


def test_an_object_of_no_category_agrees_with_nothing(shared_data: Path, tmp_path: Path) -> None:
    path = asked(
        tmp_path / "mci.json",
        802,
        {"Does zzz exist in the image?": "No.", "How many zzz are there in the image?": "0",
         "Does zebra exist in the image?": "No."},
        objects=2,
    )  # fmt: skip
    report = check_questions(
        read_object_questions(path), read_annotations(shared_data / "coco/annotations/instances_val2017.json")
    )
    lacking = "asks about 'zzz', which the annotations have no category of"
    assert report.lines == (
        "answers agree 1/3, n_obj_exist 3/3",
        "0 questions are about images without annotations",
        f"question 0, image 802, 'Does zzz exist in the image?': {lacking}",
        f"question 1, image 802, 'How many zzz are there in the image?': {lacking}",
    )


def test_only_a_given_vocabulary_tells_what_vcr_has_no_category_of(
    vcr_folder: Path, shared_data: Path, tmp_path: Path
) -> None:
    said = {"Does cars exis in the image?": "No.", "Does zzz exist in the image?": "No."}
    questions = read_object_questions(asked(tmp_path / "mci.json", "movieclips_2/b@1.jpg", said, objects=2))
    assert check_questions(questions, read_annotations(vcr_folder)).disagreements == ()
    known = read_annotations(vcr_folder, categories=shared_data / "vcr/cocoontology.json")
    (wrong,) = check_questions(questions, known).disagreements
    assert (wrong.question.position, wrong.field) == (1, "answer")
    text = tmp_path / "short.txt"
    text.write_text("car\nzzz\n")
    seen = {"Does people exist in the image?": "Yes.", "Does cup exist in the image?": "No."}
    questions = read_object_questions(asked(tmp_path / "mci.json", "movieclips_2/b@1.jpg", seen, objects=2))
    (wrong,) = check_questions(questions, read_annotations(vcr_folder, categories=text)).disagreements
    assert str(wrong).endswith("answer is No., annotations say Yes.")


def test_a_question_of_another_wording_is_named_and_the_others_checked(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"How many ovens?": "1", "How many ovens are there in the image?": "1"}
    path = asked(tmp_path / "oc.json", 802, said, objects=3)
    parser = argparse.ArgumentParser()
    add_check_arguments(parser)
    instances = shared_data / "coco/annotations/instances_val2017.json"
    assert run_check(parser.parse_args([str(path), "--instances", str(instances)])) == 1
    first, _, *wrong = capsys.readouterr().out.splitlines()
    assert first == "answers agree 1/2, n_obj_exist 0/2"
    assert len(wrong) == 3
    assert wrong[0].startswith("question 0, image 802, 'How many ovens?': not a GVTBench question")
    assert wrong[1].startswith("question 0, image 802, 'How many ovens?': n_obj_exist is 3")
