"""What is declared of ETT is read before any rule asks for it."""

import shutil
from pathlib import Path

import pytest

from vistok.errors import VistokError
from vistok.grid.ett_scale import check_grid
from vistok.grid.load import load_study


def test_a_wrong_file_is_refused(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(repository / "workflow", tmp_path / "workflow")
    monkeypatch.chdir(tmp_path)
    for scale in ("mini", "smoke", "excerpt"):
        check_grid(load_study(scale))
    size = tmp_path / "workflow/scales/ett/smoke.yaml"
    size.write_text(size.read_text().replace("  batch:", "  btch:"))
    with pytest.raises(VistokError, match=r"unknown key 'btch'\. Did you mean 'batch'\?"):
        check_grid(load_study("smoke"))
    (tmp_path / "workflow/grid/ett/tables.yaml").unlink()
    with pytest.raises(VistokError, match=r"tables\.yaml is missing"):
        check_grid(load_study("mini"))
