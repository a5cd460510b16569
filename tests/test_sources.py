"""A step's digest changes with the code that it runs, and with nothing else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from vistok import sources
from vistok.files import write_text
from vistok.sources import imported_modules, source_digest

FILES = {
    "__init__.py": '"""The package."""\n',
    "base.py": '"""Base."""\n\nLIMIT = 3\n',
    "unused.py": "X = 1\n",
    "room/__init__.py": '"""A room."""\n',
    "room/deep.py": "from vistok.base import LIMIT\n\n\ndef deep():\n    return LIMIT\n",
    "room/late.py": "Y = 2\n",
    "room/templates/page.html.j2": "<p>\n",
    "kinds/__init__.py": "",
    "kinds/red.py": "from vistok.base import LIMIT\n",
    "kinds/blue.py": "B = 1\n",
    "kinds/lookup.py": 'def find(name):\n    return import_module(f"vistok.kinds.{name}")\n',
    "steps/__init__.py": "",
    "steps/one.py": '''"""Step one."""
import os
from vistok.room import deep


class Thing:
    """A thing."""

    def run(self):
        """Runs."""
        from vistok.room.late import Y  # inside a function

        return deep.deep() + Y
''',
    "steps/two.py": "import vistok.base\n",
    "steps/three.py": "from vistok.kinds.lookup import find\n",
    "steps/four.py": 'MODULE = "vistok.kinds.blue"\nTEXT = "vistok. is no module"\n',
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "vistok"
    for name, text in FILES.items():
        write_text(folder / name, text)
    monkeypatch.setattr(sources, "PACKAGE", folder)
    forget()
    yield folder
    forget()


def forget() -> None:
    for remembers in (source_digest, imported_modules, sources._read, sources._file):
        remembers.cache_clear()


def digests() -> dict[str, str]:
    forget()
    return {step: source_digest(f"vistok.steps.{step}") for step in ("one", "two", "three", "four")}


def changed(package: Path, file: str, text: str) -> set[str]:
    before = digests()
    write_text(package / file, text)
    after = digests()
    return {step for step in before if before[step] != after[step]}


def test_all_that_a_step_imports_counts(package: Path) -> None:
    assert imported_modules("vistok.steps.one") == {
        "vistok",
        "vistok.base",
        "vistok.room",
        "vistok.room.deep",
        "vistok.room.late",
        "vistok.steps",
        "vistok.steps.one",
    }
    assert imported_modules("vistok.steps.two") == {
        "vistok",
        "vistok.base",
        "vistok.steps",
        "vistok.steps.two",
    }


@pytest.mark.parametrize(
    "text",
    [
        '"""Base, in other words."""\n\nLIMIT = 3\n',
        "LIMIT = 3\n",
        '"""Base."""\n# a comment\n\n\nLIMIT   =   (3)  # and another\n',
        '"""Base."""\r\n\r\nLIMIT = 3\r\n',
    ],
)
def test_words_and_form_do_not_count(package: Path, text: str) -> None:
    assert changed(package, "base.py", text) == set()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""A thing."""', '"""Another thing."""'),
        ('    """A thing."""\n\n', ""),
        ('        """Runs."""\n', ""),
        ("class Thing:", "class Thing:  # of ours"),
        ("  # inside a function", ""),
        (
            "        return deep.deep() + Y",
            "        return (\n            deep.deep()\n            + Y\n        )",
        ),
    ],
)
def test_docstrings_of_classes_and_functions_do_not_count(package: Path, old: str, new: str) -> None:
    assert old in FILES["steps/one.py"]
    assert changed(package, "steps/one.py", FILES["steps/one.py"].replace(old, new)) == set()


def test_an_edit_counts_for_all_that_import_it(package: Path) -> None:
    assert changed(package, "base.py", "LIMIT = 4\n") == {"one", "two", "three"}
    assert changed(package, "room/deep.py", "def deep():\n    return 5\n") == {"one"}
    assert changed(package, "room/late.py", 'Y = "2"\n') == {"one"}
    assert changed(package, "unused.py", "X = 2\n") == set()


def test_a_package_and_what_it_keeps_count(package: Path) -> None:
    assert changed(package, "room/__init__.py", "import os\n") == {"one"}
    assert changed(package, "__init__.py", "import os\n") == {"one", "two", "three", "four"}
    assert changed(package, "room/templates/page.html.j2", "<b>\n") == {"one"}
    assert changed(package, "room/templates/other.html.j2", "<b>\n") == {"one"}
    assert changed(package, "room/__pycache__/deep.pyc", "x") == set()


def test_a_module_named_in_a_string_counts(package: Path) -> None:
    assert "vistok.kinds.blue" in imported_modules("vistok.steps.four")
    assert changed(package, "kinds/blue.py", "B = 2\n") == {"three", "four"}


def test_a_module_looked_up_at_run_time_counts_as_all_of_its_package_or_as_chosen(package: Path) -> None:
    every = imported_modules("vistok.steps.three")
    assert {"vistok.kinds.red", "vistok.kinds.blue", "vistok.base"} <= every
    chosen = imported_modules("vistok.steps.three", "vistok.kinds.blue")
    assert every - chosen == {"vistok.kinds.red", "vistok.base"}
    red, blue = (source_digest("vistok.steps.three", f"vistok.kinds.{name}") for name in ("red", "blue"))
    assert red != blue
    write_text(package / "kinds/red.py", "from vistok.base import LIMIT as R\n")
    forget()
    assert source_digest("vistok.steps.three", "vistok.kinds.blue") == blue
    assert source_digest("vistok.steps.three", "vistok.kinds.red") != red


def test_a_step_that_does_not_exist_is_an_error(package: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"vistok\.steps\.five"):
        source_digest("vistok.steps.five")


def steps() -> list[str]:
    files = (sources.PACKAGE / "steps").glob("[!_]*.py")
    return sorted(path.stem for path in files if "vistok.grid" in path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("step", steps())
def test_a_real_step_counts_what_it_really_imports(step: str) -> None:
    modules = imported_modules(f"vistok.steps.{step}")
    assert {"vistok", "vistok.errors", "vistok.grid", "vistok.steps", f"vistok.steps.{step}"} <= modules
    assert not {"vistok.cli"} & modules


def test_kinds_and_objectives_count_for_the_steps_that_look_them_up() -> None:
    pretraining = imported_modules("vistok.steps.pretrain_tokenizer")
    assert {
        "vistok.supervision.objectives.dino",
        "vistok.supervision.objectives.contrastive",
        "vistok.tokenizers.timm_encoder",
    } <= pretraining
    assert "vistok.tokenizers.timm_encoder" in imported_modules("vistok.steps.answer")
    chosen = imported_modules("vistok.steps.pretrain_tokenizer", "vistok.supervision.objectives.supervised")
    assert "vistok.supervision.objectives.dino" not in chosen


def test_there_are_no_relative_imports() -> None:
    for path in sources.PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}: {ast.unparse(node)}"
