"""The page in a real browser: nothing is cut on a desk, a phone is told that tables scroll, scripts do their work."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium")
RUN = "runs/clip/frozen/vicuna-7b/seed-0/index.html"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("VISTOK_REQUIRE_CHROMIUM"),
        reason="chromium is not installed: apt-get install chromium",
    ),
]


def open_page(path: Path, *options: str, width: int = 1440, at: str = "") -> tuple[str, str]:
    """Returns a page's document once its scripts have run, and what the browser says; in a window of some width."""
    assert CHROMIUM is not None, "VISTOK_REQUIRE_CHROMIUM is set, and there is no chromium"
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
               f"--window-size={width},2000", "--virtual-time-budget=5000", *(options or ("--dump-dom",)),
               f"{path.as_uri()}{at}"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    return done.stdout, done.stderr


def cut(document: str) -> list[str]:
    """Returns the tables that are wider than their box, as the page itself measures it."""
    return re.findall(r'<p class="swipe shown">.*?</p>\s*<div [^>]*aria-label="([^"]*)"', document, re.DOTALL)


@pytest.mark.parametrize("width", [1440, 1920])
def test_no_table_is_cut_on_a_desk(folder: Path, width: int) -> None:
    document, said = open_page(folder / "index.html", width=width)
    assert cut(document) == []
    assert "dt-column-order" in document, "tables can be sorted"
    assert "Uncaught" not in said


def test_a_phone_is_told_that_tables_scroll(folder: Path) -> None:
    document, _ = open_page(folder / "index.html", width=390)
    tables = cut(document)
    assert any("every scorer" in name for name in tables) and len(tables) >= 3


def test_a_run_shows_the_task_that_its_link_names(folder: Path) -> None:
    document, said = open_page(folder / RUN, at="#coco-oc")
    shown = re.findall(r'<tr data-task="([\w-]+)" data-outcome="\w*">', document)
    hidden = re.findall(r'<tr data-task="([\w-]+)" data-outcome="\w*" hidden="">', document)
    assert set(shown) == {"coco-oc"} and len(shown) == 24
    assert "coco-mci" in hidden and "coco-oc" not in hidden
    assert ">24 questions<" in document and "Uncaught" not in said


def test_two_runs_are_shown_side_by_side(folder: Path) -> None:
    """The right run is never right: all that the left answers rightly, it alone does."""
    at = "?left=clip/frozen/vicuna-7b/seed-0&right=clip-20m/tuned/vicuna-7b/seed-0&outcome=left"
    document, said = open_page(folder / "compare.html", at=at)
    text = (folder / "assets/answers.js").read_text().removeprefix("window.ANSWERS = ").removesuffix(";\n")
    answers = json.loads(text)["runs"]["clip/frozen/vicuna-7b/seed-0"]["answers"]
    right = sum(said[1] is True for said in answers)
    body = document[document.index('<tbody id="rows">') :]
    assert body.count("<tr>") == right > 0
    assert f"only the left {right}, only the right 0" in document
    assert "Uncaught" not in said


def test_the_page_prints(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "page.pdf"
    open_page(folder / "index.html", f"--print-to-pdf={target}")
    content = target.read_bytes()
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", content)
    assert boxes and all(float(width) > float(height) for width, height in boxes), (
        "landscape, for wide tables"
    )
