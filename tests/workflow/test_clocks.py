"""Files that a wrong clock dated ahead are dated as of now, and nothing else is touched."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from vistok.workflow.clocks import set_back

AHEAD = "checkpoints/mini/tokenizers/deit/seed-0"


@pytest.fixture
def built(mini: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    for name in (f"{AHEAD}/.snakemake_timestamp", "results/mini/a/metrics.json", "checkpoints/smoke/b"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    return mini


def test_what_is_dated_ahead_is_dated_as_of_now(built: Any, capsys: pytest.CaptureFixture[str]) -> None:
    later = time.time() + 10**8
    for path in (Path(AHEAD), Path(AHEAD, ".snakemake_timestamp"), Path("checkpoints/smoke/b")):
        os.utime(path, (later, later))
    before = Path("results/mini/a/metrics.json").stat().st_mtime
    set_back(built.study)
    assert Path(AHEAD).stat().st_mtime <= time.time() + 1
    assert Path(AHEAD, ".snakemake_timestamp").stat().st_mtime <= time.time() + 1
    assert Path("checkpoints/smoke/b").stat().st_mtime > time.time() + 1000, "of another scale"
    assert Path("results/mini/a/metrics.json").stat().st_mtime == before
    assert "2 files were dated in the future by a wrong clock" in capsys.readouterr().err


def test_a_small_difference_of_clocks_is_left(built: Any, capsys: pytest.CaptureFixture[str]) -> None:
    soon = time.time() + 30
    os.utime(AHEAD, (soon, soon))
    set_back(built.study)
    assert Path(AHEAD).stat().st_mtime == soon
    assert capsys.readouterr().err == ""
