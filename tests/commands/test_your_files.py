"""Verbs on anybody's files: blind answers, overlap with training lists, and questions that flip between protocols."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from vistok.cli import main

IMAGES = 40
NAMES = ("cat", "dog", "cup")


@pytest.fixture
def counting(tmp_path: Path) -> Path:
    """Three questions about an image: of cats there is 1, of dogs 2, of cups 1 or 2 by turns, more often 1."""
    rows = [
        {
            "image_id": 100 + image,
            "text_in": f"How many {name}s are there in the image?",
            "text_out": str({"cat": 1, "dog": 2}.get(name, 1 if image % 4 else 2)),
            "n_obj_exist": 5,
        }
        for image in range(IMAGES)
        for name in NAMES
    ]
    return dump(tmp_path / "oc.json", rows)


def dump(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))
    return path


def answers(path: Path, said: list[str]) -> str:
    return str(dump(path, [{"id": number, "answer": text} for number, text in enumerate(said)]))


def ran(capsys: pytest.CaptureFixture[str], *words: object, status: int = 0) -> str:
    assert main([str(word) for word in words]) == status
    output = capsys.readouterr()
    return output.err if status else output.out


def test_blind_answers_are_scored_and_a_model_held_against_the_best(
    counting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right = [row["text_out"] for row in json.loads(counting.read_text())]
    given, out = answers(tmp_path / "p.json", right), tmp_path / "blind.json"
    output = ran(capsys, "blind", "counting", "--references", counting, "--predictions", given, "--out", out)
    result = json.loads(out.read_text())
    assert result["baselines"]["constant"]["accuracy"] == pytest.approx(100 * 70 / 120, abs=0.01)
    assert result["baselines"]["prior"]["accuracy"] == pytest.approx(100 * 110 / 120, abs=0.01)
    held = result["predictions"][given]
    assert (held["best"], held["accuracy"]) == ("prior", 100.0)
    assert held["difference"] == pytest.approx(100 * 10 / 120, abs=0.01)
    assert held["p_value"] < 0.05
    lines = output.splitlines()
    assert lines[0].startswith("constant answer: accuracy 58.33 [")
    assert lines[1].startswith("prior of the question: accuracy 91.67 [")
    assert lines[-1].startswith("  +8.33 [") and lines[-1].endswith("against the prior of the question")


def test_blind_answers_are_fitted_on_a_training_split_where_one_is_named(
    counting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{**row, "text_out": "9"} for row in json.loads(counting.read_text())]
    training = dump(tmp_path / "train.json", rows)
    output = ran(capsys, "blind", "counting", "--references", counting, "--training", training, "--out", "-")
    assert json.loads(output)["baselines"]["prior"]["accuracy"] == 0.0
    assert json.loads(output)["fitted_on"] == str(training)


def test_vqa_is_answered_blindly_without_its_questions_and_not_fitted_without_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {
            "question_id": number,
            "image_id": number // 2,
            "question_type": ("what color", "is the")[number % 2],
            "answer_type": ("other", "yes/no")[number % 2],
            "multiple_choice_answer": ("red", "yes")[number % 2],
            "answers": [
                {"answer": ("red", "yes")[number % 2], "answer_id": each, "answer_confidence": "yes"}
                for each in range(1, 11)
            ],
        }
        for number in range(40)
    ]
    references = dump(tmp_path / "vqa.json", {"annotations": rows})
    output = ran(capsys, "blind", "vqa", "--references", references)
    assert output.splitlines()[1].startswith("prior of the question: accuracy 100.00 [")
    output = ran(capsys, "blind", "vqa", "--references", references, "--training", references, status=1)
    assert "name --questions and --training-questions too" in output


def test_two_protocols_flip_questions(
    counting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ["Two" if number % 3 == 1 else "1" for number in range(3 * IMAGES)]
    out = tmp_path / "flips.jsonl"
    words = [
        "flips",
        "counting",
        "--references",
        counting,
        "--predictions",
        answers(tmp_path / "p.json", said),
    ]
    output = ran(capsys, *words, "--show", 1, "--out", out).splitlines()
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert output[0].startswith(
        "accuracy 91.67 under corrected, 58.33 under released: 40 of 120 counting questions"
    )
    assert output[0].endswith("0 higher and 40 lower under released")
    question = json.loads(counting.read_text())[1]["text_in"]
    assert output[1:] == [f"  1 (image 100): 100 -> 0  {question}  answer 'Two', truth '2'"]
    assert rows[0] == {
        "id": 1,
        "image": 100,
        "question": question,
        "truth": ["2"],
        "answer": "Two",
        "corrected": 100.0,
        "released": 0.0,
    }
    assert len(rows) == 40
    output = ran(capsys, *words, "--protocols", "released", "released").splitlines()
    assert output == [line for line in output if "0 of 120 counting questions differ" in line]
    assert "unknown counting protocol 'offical'" in ran(
        capsys, *words, "--protocols", "released", "offical", status=1
    )


def test_an_image_with_an_odd_name_steers_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {
        "image_id": "a\x1b[2J\nb.jpg",
        "text_in": "How many cups are there in the image?",
        "n_obj_exist": 1,
    }
    references = dump(tmp_path / "oc.json", [row | {"text_out": "2"}])
    given = answers(tmp_path / "p.json", ["Two"])
    (_, line) = ran(
        capsys, "flips", "counting", "--references", references, "--predictions", given
    ).splitlines()
    assert line.startswith("  0 (image a\\x1b[2J b.jpg): 100 -> 0")


LISTS: dict[str, Any] = {
    "coco.json": {"images": [{"id": image, "file_name": f"{image:012}.jpg"} for image in (100, 101, 7)]},
    "vqa.json": {
        "questions": [{"image_id": image, "question_id": 1, "question": "?"} for image in (100, 101, 7)]
    },
    "karpathy.json": {
        "images": [
            {"cocoid": 100, "split": "train"},
            {"cocoid": 101, "split": "restval"},
            {"cocoid": 7, "split": "train"},
            {"cocoid": 102, "split": "test"},
        ]
    },
    "visual_genome.json": [
        {"image_id": 5, "coco_id": 100},
        {"image_id": 6, "coco_id": 101},
        {"image_id": 8, "coco_id": 7},
    ],
    "llava.json": [{"id": "x", "image": f"{image:012}.jpg"} for image in (100, 101, 7)],
}


@pytest.mark.parametrize("name", [*LISTS, "plain.txt", "packed.txt.gz"])
def test_every_training_list_of_the_field_is_read(
    name: str, counting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    text = "COCO_train2014_000000000100.jpg\n101\n7\n"
    if name in LISTS:
        dump(path, LISTS[name])
    elif name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    out = tmp_path / "out"
    output = ran(capsys, "overlap", "counting", "--references", counting, "--training", path, "--out", out)
    assert output.splitlines() == [
        f"{path}: 3 images, 2 of the {IMAGES} of {counting}",
        f"clean of all lists: {IMAGES - 2} of {IMAGES} images",
    ]
    assert (out / "shared.txt").read_text() == "100\n101\n"
    assert (out / "clean.txt").read_text().splitlines() == [str(image) for image in range(102, 140)]


def test_answers_are_scored_on_the_clean_rest(
    counting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right = [row["text_out"] for row in json.loads(counting.read_text())]
    given = answers(
        tmp_path / "p.json", right[:60] + ["none"] * 60
    )  # right about the first half of the images
    listed = tmp_path / "list.txt"
    listed.write_text("".join(f"{100 + image}\n" for image in range(30)))
    words = ["overlap", "counting", "--references", counting, "--training", listed, "--predictions", given]
    output = ran(capsys, *words, "--out", tmp_path / "out").splitlines()
    assert output[2].startswith("all: accuracy 50.00 [")
    assert (
        output[3].startswith("clean: accuracy 0.00 [") and "of 30 counting questions, corrected" in output[3]
    )
    assert (
        output[4].startswith("shared: accuracy 66.67 [")
        and "of 90 counting questions, corrected" in output[4]
    )
    scores = json.loads((tmp_path / "out/overlap.json").read_text())["scores"]
    assert {name: score["metrics"]["accuracy"] for name, score in scores.items()} == {
        "all": 50.0,
        "clean": 0.0,
        "shared": pytest.approx(66.67, abs=0.01),
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"rows": 1}, "has no shape that is known"),
        ([{"caption": "a cat"}], "record 0 names no image"),
        ({"images": [{"cocoid": 1, "split": "test"}]}, "no image of the splits train, restval"),
        ([], "names no image of COCO"),
    ],
)
def test_a_list_that_is_none_is_refused(
    content: Any, message: str, counting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = dump(tmp_path / "list.json", content)
    out = tmp_path / "out"
    words = ["overlap", "counting", "--references", counting, "--training", path, "--out", out]
    assert message in ran(capsys, *words, status=1)
    assert not [*out.iterdir()] if out.exists() else True
