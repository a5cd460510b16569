"""The page of a study: every cell leads to its run, nothing is loaded from elsewhere, and links hold."""

import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from tests.small_study import Small

from vistok.errors import VistokError
from vistok.grid import files_of
from vistok.grid.ett import EttPaths
from vistok.grid.paths import Paths
from vistok.grid.steps import STEPS
from vistok.pages import library
from vistok.steps import show_ett, show_study


class _Links(HTMLParser):
    """The ids of a page, and what it links to or loads."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            self.ids += [value or ""] if name == "id" else []
            self.links += [value or ""] if name in ("href", "src") else []


def read_links(path: Path) -> _Links:
    page = _Links()
    page.feed(path.read_text())
    return page


def broken_links(folder: Path) -> list[str]:
    """Returns the links of all pages below a folder that lead to no file, or to no place of it."""
    pages = {path.resolve(): read_links(path) for path in sorted(folder.rglob("*.html"))}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = target in pages and (not parts.fragment or parts.fragment in pages[target].ids)
            if parts.scheme or not (known or (target.is_file() and not parts.fragment)):
                broken.append(f"{path.name}: {link}")
    return broken


def test_all_links_lead_somewhere(folder: Path) -> None:
    assert broken_links(folder.parent) == []


def test_a_link_that_leads_nowhere_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<a href="b.html">b</a><a href="#c">c</a><p id="d"><a href="#d">d</a>')
    assert broken_links(tmp_path) == ["a.html: b.html", "a.html: #c"]


def test_nothing_is_loaded_from_elsewhere(folder: Path) -> None:
    for path in folder.rglob("*.html"):
        assert not re.search(r'(?:src|href)="(?:https?:)?//', path.read_text()), path
    for path in (folder / "assets").glob("*.css"):
        assert "url(" not in path.read_text()


def test_every_cell_leads_to_its_run(shown: Small, folder: Path) -> None:
    links = set(read_links(folder / "index.html").links)
    for run in shown.study.runs():
        seed = run.path if run.seed == 0 else None
        for task in shown.study.answered_tasks() if seed else ():
            assert f"runs/{seed}/index.html#{task.id}" in links
        assert f"runs/{run.path}/index.html" in links
        assert (folder / "runs" / run.path / "index.html").is_file()


def test_a_run_shows_its_questions_with_truth_and_verdict(shown: Small, folder: Path) -> None:
    """The constant answers of one run to VCR-OC are right where the file says 1, and wrong elsewhere."""
    text = (folder / "runs/my-encoder/frozen/vicuna-7b/seed-0/index.html").read_text()
    part = text[text.index('<tbody id="vcr-oc">') :].partition("</tbody>")[0]
    rows = re.findall(r'data-outcome="(\w+)".*?<td class="truth">(\d)</td>\s*<td>(\d)</td>', part, re.DOTALL)
    assert len(rows) == 24
    assert {said for _, _, said in rows} == {"1"}
    assert all((outcome == "right") == (truth == "1") for outcome, truth, _ in rows)
    assert {outcome for outcome, _, _ in rows} == {"right", "wrong"}


def test_a_run_shows_every_protocol(shown: Small, folder: Path) -> None:
    text = (folder / "runs/deit/frozen/vicuna-7b/seed-0/index.html").read_text()
    for task in shown.study.answered_tasks():
        metrics = shown.metrics("deit/frozen/vicuna-7b/seed-0", task.id)
        for protocol, entry in metrics["answers"].items():
            value = f"{entry['metrics'][task.metric]:.2f}"
            assert re.search(rf'id="{task.id}-{protocol}".*?data-order="{value}"', text, re.DOTALL)


def test_two_runs_are_compared_on_the_same_questions(shown: Small, folder: Path) -> None:
    script = (folder / "assets/answers.js").read_text()
    result = json.loads(script.removeprefix("window.ANSWERS = ").removesuffix(";\n"))
    questions, runs = result["questions"], result["runs"]
    assert runs.keys() == {run.path for run in shown.study.subjects()}
    assert {len(run["answers"]) for run in runs.values()} == {len(questions)}
    assert all((folder / "assets" / entry["image"]).is_file() for entry in questions)
    never_right = runs["clip-20m/tuned/vicuna-7b/seed-0"]["answers"]
    assert {said[1] for said in never_right} == {False, None}
    for entry, said in zip(questions, runs["clip/frozen/vicuna-7b/seed-0"]["answers"], strict=True):
        if entry["task"] == "coco-oc":
            assert said[1] == (said[0] == entry["truth"][0])


def test_the_page_is_the_same_when_made_again(
    shown: Small, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def content() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    before = content()
    monkeypatch.chdir(shown.root)
    show_study.run(shown.study)
    assert content() == before


def test_ett_is_on_the_page_once_it_is_rendered(
    shown: Small, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scale that trains nothing of ETT shows what is printed, and links hold with it as without it."""
    root = tmp_path / "checkout"
    shutil.copytree(shown.root, root, symlinks=True)
    (root / "workflow").unlink()
    shutil.copytree(repository / "workflow", root / "workflow")
    (root / "workflow/scales/ett/mini.yaml").unlink()
    monkeypatch.chdir(root)
    page, paths = Paths(shown.study).page, EttPaths(shown.study)
    assert "snakemake ett_tables" in page.read_text() and "ett-retrieval" not in page.read_text()
    without = STEPS["show-study"].spec(shown.study)
    show_ett.run(shown.study)
    show_study.run(shown.study)
    assert STEPS["show-study"].spec(shown.study) != without, "so that the page is made again"
    assert not set(files_of.page_inputs(shown.study)) & set(paths.shown()), (
        "so that a page builds nothing of ETT"
    )
    links = set(read_links(page).links)
    assert {"ett/table-4.html", "ett/generation.csv", "ett/audit.html#ett-retrieval"} <= links
    assert "ett/claims.html#ett-preserves-reconstruction" in links and "contradicted" in page.read_text()
    assert "snakemake ett_tables" not in page.read_text() and "ett/generation.png" not in links
    assert broken_links(page.parent) == []


def test_table_one_counts_the_files(shown: Small, folder: Path) -> None:
    lines = (folder / "table-1.csv").read_text().splitlines()
    assert "OC,paper,MS-COCO&VCR,20k,,,Number,," in lines
    assert any(
        line.startswith('OC,released file,COCO-OC,"10,000","4,825",9,"1 54.3 %, 2 19.8 %') for line in lines
    )
    assert any(line.startswith("OC,mini,COCO-OC,36,12,3,") and line.endswith(",3.0,3") for line in lines)


def test_another_bundle_of_the_library_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "html").mkdir()
    (tmp_path / "html/dt_bundle.js").write_text("export default 1;")
    place: Callable[[str], Path] = lambda name: tmp_path  # noqa: E731
    monkeypatch.setattr(library, "files", place)
    with pytest.raises(VistokError, match="exports DataTables in another way"):
        library.data_tables()
