"""A copy of the paper's own grid that tests may edit: what a user has added to it is left out."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from vistok.grid.entries import GRID, SCALES
from vistok.grid.load import load_study
from vistok.grid.study import Study

OWN = {
    "deit",
    "dino",
    "mae",
    "dinov2",
    "clip-20m",
    "clip",
    "fd",
    "eva",
    "mvp",
    "region-clip",
    "region-proposer",
    "owl-vit",
    "eva-l",
    "eva-clip",
    "eva-clip-fd",
    "ibq-262144-512",
}


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


def _copy(repository: Path, to: Path) -> Checkout:
    """Copies the grid with the tokenizers of the paper's tables, and the rows that show them, without bounds."""
    for folder in (GRID, SCALES):
        shutil.copytree(repository / folder, to / folder)
    checkout = Checkout(to)
    checkout.edit("grid/tokenizers.yaml", lambda known: [known.pop(name) for name in {*known} - OWN])
    checkout.edit("grid/tables.yaml", _without_other_rows)
    of_others = ("floors", "ceilings", "pretraining_steps")
    checkout.edit("scales/mini.yaml", lambda mini: [mini.pop(name) for name in of_others])
    checkout.edit("scales/smoke.yaml", lambda smoke: smoke.pop("pretraining_steps"))
    return checkout


def _without_other_rows(tables: Any) -> None:
    for table in tables.values():
        table["rows"] = [
            row for row in table["rows"] if row.get("tokenizer") in OWN and not row.get("own_models")
        ]
    for name in [name for name, table in tables.items() if not table["rows"]]:
        del tables[name]


@pytest.fixture
def checkout(repository: Path, tmp_path: Path) -> Checkout:
    return _copy(repository, tmp_path)


@pytest.fixture(scope="session")
def study(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return _copy(repository, tmp_path_factory.mktemp("grid")).load()
