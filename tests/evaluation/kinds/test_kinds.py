"""Every file of the folder is a task kind that says all that the interface asks."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import vistok.evaluation.kinds
from vistok.errors import VistokError
from vistok.evaluation.kind import TaskKind
from vistok.evaluation.kinds import task_kind
from vistok.grid.kinds import task_kind_modules, task_kinds

KINDS = pytest.mark.parametrize("name", task_kinds())


def test_the_kinds_are_the_files() -> None:
    assert task_kinds() == (
        "caption", "choice", "counting", "gqa", "identification", "mme", "textvqa", "vqa"
    )  # fmt: skip
    folder = Path(vistok.evaluation.kinds.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} == {"__init__", *task_kinds()}


@KINDS
def test_a_file_holds_the_kind_of_its_name(name: str) -> None:
    kind = task_kind(name)
    assert isinstance(kind, TaskKind) and kind.name == name
    assert kind.reads and kind.metric and kind.tokens > 0


@KINDS
def test_every_protocol_says_what_it_means(name: str) -> None:
    protocols = task_kind(name).protocols
    assert protocols
    for meaning in protocols.values():
        assert len(meaning.split()) > 3 and not meaning.endswith(".")


@KINDS
def test_every_baseline_has_a_title(name: str) -> None:
    baselines = task_kind(name).baselines
    assert "constant" in baselines and all(baselines.values())


def test_marks_tell_kinds_apart() -> None:
    marks = [kind.mark for kind in map(task_kind, task_kinds()) if kind.mark]
    assert len(set(marks)) == len(marks) == 4
    assert not [(one, other) for one in marks for other in marks if one != other and one in other]


def test_an_unknown_kind_names_the_legal_ones() -> None:
    with pytest.raises(
        VistokError, match=r"unknown kind of question 'vqaa'.*'vqa'.*To add it, edit src/vistok/"
    ):
        task_kind("vqaa")


def test_what_asks_and_teaches_imports_nothing_that_scores() -> None:
    modules = ", ".join(task_kind_modules(task_kinds()))
    code = (
        f"import sys, {modules}; print([m for m in sys.modules if m.startswith('vistok.evaluation.score')])"
    )
    done: Any = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
