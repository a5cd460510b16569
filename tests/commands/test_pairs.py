"""`vistok pairs` compares the rows that are named, from what their metrics.json files say."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from vistok.cli import main
from vistok.commands import pairs
from vistok.tables.pairs import by_image_of

PAPER = ["deit/frozen/vicuna-7b", "clip-20m/frozen/vicuna-7b", "clip/frozen/vicuna-7b"]


@pytest.fixture(autouse=True)
def here(mini: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mini.root)
    monkeypatch.setattr(pairs, "study_of", lambda args: mini.study)


def test_the_papers_rows_of_one_recipe_are_compared_by_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pairs", "--table", "table-2", "--out", str(tmp_path / "pairs.json")]) == 0
    result = json.loads((tmp_path / "pairs.json").read_text())
    assert result.keys() == {"frozen/vicuna-7b"}, "one row is tuned, and one is not of the paper"
    family = result["frozen/vicuna-7b"]
    assert family["rows"] == PAPER
    output = capsys.readouterr().out
    for title, column in family["columns"].items():
        names = [(pair["first"], pair["second"]) for pair in column["pairs"]]
        assert names == [(PAPER[0], PAPER[1]), (PAPER[0], PAPER[2]), (PAPER[1], PAPER[2])]
        assert column["told_apart"] == sum(pair["told_apart"] for pair in column["pairs"])
        assert (
            f"{title}: {column['told_apart']} of 3 pairs told apart (Holm, 5 %), noise of questions and"
            in output
        )


def test_a_difference_is_that_of_the_tables_values(mini: Any, tmp_path: Path) -> None:
    arguments = ["--task", "coco-mci", "deit", "clip-20m/frozen", "--out", str(tmp_path / "pairs.json")]
    assert main(["pairs", "--table", "table-2", *arguments]) == 0
    (column,) = json.loads((tmp_path / "pairs.json").read_text())["chosen"]["columns"].values()
    values = [
        mini.metrics(f"{name}/frozen/vicuna-7b/seed-0", "coco-mci")["answers"]["released"]["metrics"][
            "accuracy"
        ]
        for name in ("deit", "clip-20m")
    ]
    (pair,) = column["pairs"]
    assert pair["difference"] == pytest.approx(values[0] - values[1], abs=1e-4)
    assert column["noise"] == "questions", "of these two, each was trained once"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--task", "coco-co"], "unknown task of table-2 'coco-co'. Did you mean 'coco-oc'?"),
        (
            ["--scale", "paper", "--task", "coco-co"],
            "unknown task of table-2 'coco-co'. Did you mean 'coco-oc'?",
        ),
        (["diet"], "unknown row of table-2 'diet'."),
        (["--scale", "paper", "diet"], "unknown row of table-2 'diet'."),
        (["deit"], "no two rows of 'table-2' can be compared"),
    ],
)
def test_what_cannot_be_compared_is_told(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pairs", "--table", "table-2", *arguments]) == 1
    assert re.search(re.escape(said), capsys.readouterr().err)


def test_each_image_adds_up_to_the_score(mini: Any) -> None:
    scored = mini.metrics("clip/frozen/vicuna-7b/seed-0", "coco-oc")
    told = scored["answers"][scored["protocol"]]
    sums, counts = told["by_image"]["sums"], told["by_image"]["counts"]
    assert sum(counts) == scored["n"] and len(sums) == len(counts) == 12
    assert sum(sums) / sum(counts) == pytest.approx(told["metrics"]["accuracy"], abs=1e-6)
    assert "by_image" not in scored["answers"]["corrected"]


def test_a_training_that_does_not_tell_its_images_leaves_none() -> None:
    first, second = ((100.0, 0.0), (1, 2)), ((0.0, 0.0), (1, 2))
    result = by_image_of([first, second])
    assert result is not None and result.sums.tolist() == [[100, 0], [0, 0]]
    assert by_image_of([first, None]) is None
    assert by_image_of([first, ((0.0,), (3,))]) is None
    assert by_image_of([]) is None
