"""What pip builds of the checkout: all modules, templates and stubs, and nothing left behind."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling")


@pytest.fixture
def checkout(repository: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "checkout"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(repository / name, copy)
    shutil.copytree(repository / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def built(checkout: Path, hook: str) -> set[str]:
    """Returns the names in the wheel that the build backend makes, in a process of its own, as pip has it."""
    code = f"import hatchling.build as backend; print(backend.{hook}('../wheels'))"
    (checkout.parent / "wheels").mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=True
    )
    wheel = checkout.parent / "wheels" / done.stdout.split()[-1]
    return set(zipfile.ZipFile(wheel).namelist())


def files(folder: Path) -> set[str]:
    kept = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix() for path in kept}


def test_a_wheel_holds_all_of_the_package_and_leaves_nothing_behind(checkout: Path) -> None:
    before = files(checkout)
    names = built(checkout, "build_wheel")
    assert files(checkout / "src") - names == set()
    assert {name for name in names if ".dist-info/" not in name} <= files(checkout / "src")
    assert files(checkout) == before


def test_an_editable_install_needs_no_package_besides(checkout: Path) -> None:
    before = files(checkout)
    names = built(checkout, "build_editable")
    assert any(name.endswith(".pth") for name in names)
    assert files(checkout) == before
