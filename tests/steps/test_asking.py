"""What is asked of an official file: questions about photographs that are there, and of no video."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from vistok.datasets.digest_list import DigestList
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.steps.asking import ask


@pytest.fixture
def excerpt(tmp_path: Path, repository: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """The excerpt scale on SEED-Bench's four published examples, three of which are about videos."""
    root = tmp_path / "data"
    (root / "seedbench").mkdir(parents=True)
    shutil.copy(shared_data / "seedbench/SEED-Bench-1_examples.json", root / "seedbench")
    study = load_study("excerpt", root=repository, data_root=str(root))
    monkeypatch.chdir(tmp_path)
    return study


def photograph(study: Study) -> None:
    path = Paths(study).data / "seedbench/SEED-Bench-image/1454426_2591111986"
    path.parent.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(path, format="JPEG")


def listed(study: Study) -> None:
    for name in ("seedbench/SEED-Bench-image", "seedbench/SEED-Bench-1_examples.json"):
        if (Paths(study).data / name).exists():
            DigestList(Paths(study).data / name, Paths(study).digest(name)).write()


def test_a_question_whose_photograph_is_there_is_asked(excerpt: Study) -> None:
    photograph(excerpt)
    listed(excerpt)
    asked = ask(excerpt, "seed-bench")
    assert asked.references.ids == ("101669",) and len(asked.references.whole) == 4
    assert asked.prompts == ("Question: How many towels are in the image? Answer:",)
    assert asked.reason == "3 of 4 questions are about videos"


def test_what_is_not_there_is_said_beside(excerpt: Study) -> None:
    listed(excerpt)
    asked = ask(excerpt, "seed-bench")
    assert asked.references.ids == ()
    assert asked.reason == (
        "3 of 4 questions are about videos; 1 of 1 photographs are not in seedbench/SEED-Bench-image"
    )


def test_a_scale_where_no_photograph_may_be_missing_misses_no_video(excerpt: Study) -> None:
    """At the paper scale the official file asks about videos, too, which nobody fetches."""
    photograph(excerpt)
    listed(excerpt)
    strict = excerpt.scale.model_copy(update={"missing_images": "error"})
    assert ask(replace(excerpt, scale=strict), "seed-bench").references.ids == ("101669",)
