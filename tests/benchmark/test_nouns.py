"""Plurals agree with every one in the released files, and make sense for words never seen."""

from pathlib import Path

import pytest

from vistok.benchmark.nouns import plural, spellings
from vistok.datasets.coco import read_instances
from vistok.datasets.gvtbench import plural as released_plural
from vistok.datasets.gvtbench import read_object_questions


@pytest.fixture(scope="module")
def categories(shared_data: Path) -> tuple[str, ...]:
    return read_instances(shared_data / "coco/annotations/instances_val2017.json").categories


def test_released_plurals_are_those_of_the_released_file(
    shared_data: Path, categories: tuple[str, ...]
) -> None:
    questions = {q.object_name for q in read_object_questions(shared_data / "gvtbench/coco_oc.json")}
    assert {released_plural(name) for name in categories} == questions


def test_released_vcr_plurals_have_no_spaces(shared_data: Path, categories: tuple[str, ...]) -> None:
    questions = {q.object_name for q in read_object_questions(shared_data / "gvtbench/vcr_mci.json")}
    assert {released_plural(name).replace(" ", "") for name in categories} == questions


@pytest.mark.parametrize("name", ["coco_oc", "coco_mci", "vcr_oc", "vcr_mci"])
def test_every_spelling_leads_back_to_a_category(
    shared_data: Path, categories: tuple[str, ...], name: str
) -> None:
    forms = spellings(categories)
    questions = {q.object_name for q in read_object_questions(shared_data / f"gvtbench/{name}.json")}
    assert questions <= set(forms)
    assert forms["wineglasses"] == "wine glass"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cross", "crosses"),
        ("half moon", "half moons"),
        ("halfmoon", "halfmoons"),
        ("leaf", "leaves"),
        ("cherry", "cherries"),
        ("monkey", "monkeys"),
        ("box", "boxes"),
        ("torch", "torches"),
        ("hair drier", "hair driers"),
        ("sheep", "sheep"),
        ("computer mouse", "computer mice"),
    ],
)
def test_plural(name: str, expected: str) -> None:
    assert plural(name) == expected


def test_only_the_released_plural_of_skis_is_ski() -> None:
    assert (plural("skis"), released_plural("skis")) == ("skis", "ski")
