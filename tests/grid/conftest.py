"""A copy of the project's own grid that tests may edit."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from vistok.grid.load import GRID, SCALES, Study, load_study


@dataclass(frozen=True)
class Checkout:
    """The folders `workflow/grid` and `workflow/scales` below `root`."""

    root: Path

    def edit(self, file: str, change: Callable[[Any], object]) -> None:
        """Changes what one YAML file holds, in place."""
        path = self.root / "workflow" / file
        value = yaml.load(path.read_text(), yaml.CSafeLoader)
        change(value)
        path.write_text(yaml.dump(value, Dumper=yaml.CSafeDumper, sort_keys=False))

    def write(self, file: str, text: str) -> None:
        (self.root / "workflow" / file).write_text(text)

    def load(self, scale: str = "mini", **options: Any) -> Study:
        return load_study(scale, root=self.root, **options)


@pytest.fixture
def checkout(repository: Path, tmp_path: Path) -> Checkout:
    for folder in (GRID, SCALES):
        shutil.copytree(repository / folder, tmp_path / folder)
    return Checkout(tmp_path)


@pytest.fixture(scope="session")
def study(repository: Path) -> Study:
    return load_study("mini", root=repository)
