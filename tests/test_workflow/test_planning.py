"""Nothing is computed while the workflow is parsed: each job of a cluster parses it again."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

WATCH = """
import os, sys

def note(event, arguments):
    if event in ("open", "os.scandir", "os.listdir") and arguments and isinstance(arguments[0], str):
        if os.environ["WATCHED"] in os.path.abspath(arguments[0]):
            os.write(2, f"LOOKED AT {event} {arguments[0]}\\n".encode())

if "WATCHED" in os.environ:
    sys.addaudithook(note)
"""


@pytest.fixture
def watched(built: Any, official: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root; every Python process of the checkout tells what it opens below it."""
    module = built.root / "src/sitecustomize.py"
    module.write_text(WATCH)
    monkeypatch.setenv("WATCHED", str(official))
    yield official
    module.unlink()


def test_a_process_that_looks_is_seen(built: Any, watched: Path) -> None:
    look = f"import os; os.listdir({str(watched)!r}); open({str(watched / 'gvtbench/coco_oc.json')!r})"
    output = subprocess.run(
        [sys.executable, "-Wignore", "-c", look], env={"PYTHONPATH": str(built.root / "src"), "WATCHED": str(watched)},
        capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    assert output.count("LOOKED AT") == 2


@pytest.mark.parametrize("scale", ["excerpt", "paper", "one-gpu", "laptop-real"])
def test_a_plan_opens_no_official_file_and_no_folder_of_photographs(
    built: Any, watched: Path, scale: str
) -> None:
    for folder in ("coco/val2014", "coco/train2017", "cc3m/images", "weights"):
        (watched / folder).mkdir(parents=True, exist_ok=True)
    (watched / "weights/clip_base_25ep.pt").touch()
    shutil.rmtree(built.root / f"data/digests/{scale}", ignore_errors=True)
    output = built.fresh().build("paper_tables", "-n", "--config", f"data_root={watched}", scale=scale)
    assert "rule list_data:" in output
    assert "LOOKED AT" not in output


def test_every_command_that_loads_data_or_models_names_the_data_root(built: Any, official: Path) -> None:
    (official / "weights").mkdir()
    (official / "weights/clip_base_25ep.pt").touch()
    output = built.build("paper_tables", "-n", "-p", "--config", f"data_root={official}", scale="paper")
    commands = re.findall(r"^Shell command: (.*vistok .*)$", output, re.MULTILINE)
    verbs = {
        "list-data",
        "write-shards",
        "tune-mllm",
        "answer",
        "answer-blind",
        "score-run",
        "fit-blind",
        "tabulate",
    }
    named = [command for command in commands if f"--data-root {official}" in command]
    assert {verb for verb in verbs if any(f"vistok {verb} " in command for command in named)} == verbs
    assert [command for command in commands if command not in named] == []
