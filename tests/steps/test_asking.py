"""What is asked of an official file: questions about photographs that are there, and of no video."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from tests.small_study import small_study, write_official_files

from vistok.datasets.digest_list import DigestList
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.steps import asking
from vistok.steps.asking import ask, ask_each


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
    questions = ask(excerpt, "seed-bench")
    assert questions.references.ids == ("101669",) and len(questions.references.full_set) == 4
    assert questions.prompts == ("Question: How many towels are in the image? Answer:",)
    assert questions.reason == "3 of 4 questions are about videos"


def test_what_is_not_there_is_said_beside(excerpt: Study) -> None:
    listed(excerpt)
    questions = ask(excerpt, "seed-bench")
    assert questions.references.ids == ()
    assert questions.reason == (
        "3 of 4 questions are about videos; 1 of 1 photographs are not in seedbench/SEED-Bench-image"
    )


def test_a_scale_where_no_photograph_may_be_missing_misses_no_video(excerpt: Study) -> None:
    """At the paper scale the official file asks about videos, too, which nobody fetches."""
    photograph(excerpt)
    listed(excerpt)
    strict = excerpt.scale.model_copy(update={"missing_images": "error"})
    assert ask(replace(excerpt, scale=strict), "seed-bench").references.ids == ("101669",)


def test_of_several_tasks_the_files_are_compared_once(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A walk over all photographs for each task took a quarter of a scoring."""
    root = tmp_path / "data"
    write_official_files(root, photographs=lambda *_: True)
    small = small_study("excerpt", repository, data_root=str(root))
    compared: list[list[str]] = []
    monkeypatch.setattr(asking, "check_listed", lambda study, names: compared.append(list(names)))
    tasks = [task.id for task in small.answered_tasks()]
    several = ask_each(small, tasks)
    assert len(tasks) > 1 and len(compared) == 1 and len(compared[0]) == len(set(compared[0]))
    assert several == {task: ask(small, task) for task in tasks}
