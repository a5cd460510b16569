"""The audit of four-way questions: what their text alone is worth, and whether their images were trained on."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from vistok.audit.checks import generated_findings
from vistok.audit.findings import Finding
from vistok.errors import VistokError
from vistok.pages.wording import worded
from vistok.published.tables import read_all_published


def written(root: Path, rights: str, options: tuple[str, ...] = ("red", "blue", "white", "green")) -> Path:
    """Writes questions about as many images in two dimensions; each text is asked four times."""
    questions: list[dict[str, Any]] = [
        {
            "answer": letter,
            **{f"choice_{name}": text for name, text in zip("abcd", options, strict=True)},
            "data_id": f"{number}_1",
            "data_type": "image",
            "question": f"what color is thing {number // 4}?",
            "question_id": str(number),
            "question_type_id": 3 if number < len(rights) // 2 else 5,
        }
        for number, letter in enumerate(rights)
    ]
    images = root / "seedbench" / "SEED-Bench-image"
    images.mkdir(parents=True)
    for question in questions:
        (images / question["data_id"]).write_bytes(question["data_id"].encode())
    path = root / "seedbench" / "SEED-Bench.json"
    path.write_text(json.dumps({"questions": questions}))
    return path


def found(path: Path, repository: Path) -> dict[str, Finding]:
    tables = read_all_published(repository / "paper_tables/published")
    return {finding.kind: finding for finding in generated_findings(path, tables)}


def test_texts_that_are_asked_with_each_answer_tell_nothing(tmp_path: Path, repository: Path) -> None:
    (finding,) = found(written(tmp_path / "mini", "ABCD" * 12), repository).values()
    assert (finding.verdict, finding.anchor) == ("clean", "mini-seed-bench-text")
    assert (finding.facts["texts"], finding.facts["even texts"]) == (12, 12)
    assert [row["letter, %"] for row in finding.rows] == [25.0, 25.0]
    assert "a language model without the image" in worded(finding).meaning


def test_a_letter_that_is_right_too_often_is_told_by_dimension(tmp_path: Path, repository: Path) -> None:
    finding = found(written(tmp_path / "mini", "ABCD" * 6 + "CCCD" * 6), repository)["choice-text"]
    assert finding.verdict == "doubtful" and finding.details["told"] == ["Instances Counting"]
    told = finding.rows[1]
    assert (told["letter"], told["letter, %"]) == ("C", 75.0)
    assert "1 of 2 dimensions" in worded(finding).title


def test_a_longest_option_that_is_right_too_often_is_told(tmp_path: Path, repository: Path) -> None:
    """By turns A and B: no letter is right more often than every other time, and the longest is A."""
    path = written(tmp_path / "mini", "AAAB" * 12, ("a long one", "b", "c", "d"))
    finding = found(path, repository)["choice-text"]
    assert [row["longest, %"] for row in finding.rows] == [75.0, 75.0]


def test_copies_among_training_images_are_found(tmp_path: Path, repository: Path) -> None:
    root = tmp_path / "mini"
    path = written(root, "ABCD" * 4)
    (root / "coco/train2017").mkdir(parents=True)
    shutil.copy(root / "seedbench/SEED-Bench-image/5_1", root / "coco/train2017/000000000001.jpg")
    copies = found(path, repository)["training-copies"]
    assert (copies.verdict, copies.facts["in a training set"], copies.facts["photographs"]) == (
        "wrong",
        1,
        16,
    )


def test_a_file_without_questions_is_refused(tmp_path: Path, repository: Path) -> None:
    with pytest.raises(VistokError, match="holds no question"):
        found(written(tmp_path / "mini", ""), repository)
