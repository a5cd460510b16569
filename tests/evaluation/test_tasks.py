"""What the grid asks of a task or a recipe and its kind has not is refused before anything is made."""

from dataclasses import replace
from typing import Any

import pytest

from vistok.errors import VistokError
from vistok.evaluation.tasks import check_tasks
from vistok.grid.load import load_study
from vistok.grid.study import Study


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study("mini")


def changed(study: Study, task: str, **values: Any) -> Study:
    entry = study.task(task).model_copy(update=values)
    return replace(study, tasks={**study.tasks, task: entry})


def test_the_grid_as_it_is_passes(study: Study) -> None:
    check_tasks(study)
    check_tasks(load_study("paper"))


@pytest.mark.parametrize(
    ("task", "values", "message"),
    [
        ("coco-oc", {"prompt": "How many?"}, r"entry 'coco-oc': `prompt` has no \{question\}"),
        (
            "vqav2",
            {"protocols": ("released", "strict")},
            "entry 'vqav2': unknown vqa protocol 'strict'.*lavis",
        ),
        (
            "coco-oc",
            {"decoding": None},
            "entry 'coco-oc': counting answers are written: `decoding` is missing",
        ),
        (
            "coco-oc",
            {"kind": "choice", "protocols": ("official",)},
            "ranked by likelihood. Take `decoding` out",
        ),
        ("coco-caption", {"metric": "accuracy"}, "unknown metric of caption questions 'accuracy'.*CIDEr"),
    ],
)
def test_a_task_asks_for_what_its_kind_has(
    study: Study, task: str, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(VistokError, match=message):
        check_tasks(changed(study, task, **values))


def test_a_caption_needs_no_question(study: Study) -> None:
    check_tasks(changed(study, "coco-caption", prompt="Describe it."))


def test_a_recipe_teaches_what_annotations_can(study: Study) -> None:
    recipe = study.recipe("frozen")
    taught = recipe.model_copy(update={"turns": {**recipe.turns, "choice": 1}})
    with pytest.raises(
        VistokError, match=r"recipes.yaml, entry 'frozen': no annotations teach choice questions"
    ):
        check_tasks(replace(study, recipes={**study.recipes, "frozen": taught}))
