import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from vistok.datasets.coco import read_instances
from vistok.datasets.gvtbench import (
    counting_question,
    identification_question,
    object_of,
    plural,
    read_object_questions,
)
from vistok.errors import VistokError


@pytest.fixture(scope="module")
def categories(shared_data: Path) -> tuple[str, ...]:
    return read_instances(shared_data / "coco/annotations/instances_val2017.json").categories


def test_released_coco_files_are_worded_alike(shared_data: Path, categories: tuple[str, ...]) -> None:
    counting = read_object_questions(shared_data / "gvtbench/coco_oc.json")
    assert {row.question for row in counting} == {counting_question(name) for name in categories}
    identification = read_object_questions(shared_data / "gvtbench/coco_mci.json")
    assert {row.question for row in identification} == {identification_question(name) for name in categories}


def test_released_vcr_file_is_worded_alike(shared_data: Path, categories: tuple[str, ...]) -> None:
    questions = {row.question for row in read_object_questions(shared_data / "gvtbench/vcr_oc.json")}
    assert len(questions) == 76
    assert questions <= {counting_question(name, spaces=False) for name in categories}
    assert questions <= {counting_question(name.replace(" ", "")) for name in categories}


def test_answers_of_the_released_files(shared_data: Path) -> None:
    counts = Counter(row.answer for row in read_object_questions(shared_data / "gvtbench/coco_oc.json"))
    assert counts["1"] == 5427
    assert set(counts) == set("123456789")
    answers = Counter(row.answer for row in read_object_questions(shared_data / "gvtbench/coco_mci.json"))
    assert answers == {"No.": 5035, "Yes.": 4965}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("half moon", "half moons"), ("leaf", "leaves"), ("cross", "crosses"), ("box", "boxes"),
        ("watch", "watches"), ("toy", "toys"), ("lorry", "lorries"), ("kitchen knife", "kitchen knives"),
        ("woman", "women"), ("fish", "fish"), ("potato", "potatoes"), ("piano", "pianos"),
        ("glasses", "glasses"),
    ],
)  # fmt: skip
def test_plurals_of_other_words(name: str, expected: str) -> None:
    assert plural(name) == expected


def test_the_object_of_a_question() -> None:
    assert object_of(counting_question("person")) == "people"
    assert object_of("Does ties exis in the image?") == "ties"
    with pytest.raises(VistokError, match=r"not a GVTBench question: 'How many cats\?'"):
        object_of("How many cats?")


def test_gzipped_and_wrong_files(shared_data: Path, tmp_path: Path) -> None:
    packed = tmp_path / "coco_oc.json.gz"
    packed.write_bytes(gzip.compress((shared_data / "gvtbench/coco_oc.json").read_bytes(), compresslevel=1))
    assert len(read_object_questions(packed)) == 10_000
    for record in (
        '{"image_id": 1, "text_in": "?"}',
        '{"image_id": true, "text_in": "?", "text_out": "1", "n_obj_exist": 1}',
    ):
        packed.write_text(f"[{record}]")
        with pytest.raises(VistokError, match="record 0: fields image_id, text_in, text_out and n_obj_exist"):
            read_object_questions(packed)
    packed.write_text("{}")
    with pytest.raises(VistokError, match="a JSON list is needed, found dict"):
        read_object_questions(packed)


@pytest.mark.parametrize(
    ("kind", "answer", "said"),
    [
        (
            "counting",
            "No.",
            "a whole number is needed, found 'No.'. It may be a file of identification: name the counting",
        ),
        (
            "identification",
            "3",
            "'Yes.' or 'No.' is needed, found '3'. It may be a file of counting: name the identif",
        ),
        ("identification", "yes", "'Yes.' or 'No.' is needed, found 'yes'. Fetch or make the file again."),
        ("counting", "-1", "a whole number is needed, found '-1'. Fetch or make the file again."),
    ],
)
def test_answers_of_another_kind_are_refused(tmp_path: Path, kind: str, answer: str, said: str) -> None:
    path = tmp_path / "questions.json"
    right = {"counting": "2", "identification": "Yes."}[kind]
    rows = [{"image_id": 1, "text_in": "?", "text_out": text, "n_obj_exist": 1} for text in (right, answer)]
    path.write_text(json.dumps(rows))
    assert len(read_object_questions(path)) == 2
    with pytest.raises(VistokError) as refused:
        read_object_questions(path, kind)
    assert f"record 1: as the answer (text_out) in a file of {kind}, {said}" in str(refused.value)
