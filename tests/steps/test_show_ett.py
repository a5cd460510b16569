"""The tables of ETT are rendered from its published numbers, the same bytes each time, and wrong grids are refused."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from vistok.errors import VistokError
from vistok.grid.ett import EttPaths, EttTable, read_tables
from vistok.grid.load import load_study
from vistok.grid.read import validated
from vistok.grid.study import Study
from vistok.published.ett import read_ett
from vistok.steps import show_ett
from vistok.tables.ett import assemble_ett


@pytest.fixture
def study(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """The paper scale without a tokenizer of ETT's, in a checkout of its own."""
    shutil.copytree(repository / "workflow", tmp_path / "workflow")
    (tmp_path / "workflow/scales/ett/paper.yaml").unlink()
    (tmp_path / "paper_tables").mkdir()
    (tmp_path / "paper_tables/published").symlink_to(repository / "paper_tables/published")
    monkeypatch.chdir(tmp_path)
    return load_study("paper")


def test_all_that_is_declared_is_rendered_and_the_same_again(study: Study) -> None:
    show_ett.run(study)
    first = {path: path.read_bytes() for path in EttPaths(study).shown()}
    show_ett.run(study)
    assert first == {path: path.read_bytes() for path in EttPaths(study).shown()}
    table = first[EttPaths(study).table("table-4", "md")].decode()
    assert "0.34<sup>1,2</sup> → -" in table and "audit.md#ett-retrieval" in table
    assert table.count("not measured: ") == 36 and "this scale has no tokenizer of ETT's" in table
    page = first[EttPaths(study).table("table-4", "html")].decode()
    assert 'src="../assets/page.js"' in page and 'href="audit.html#ett-retrieval"' in page
    audit = first[EttPaths(study).pages / "audit.md"].decode()
    assert "End-to-End Vision Tokenizer Tuning" in audit and "What Makes for Good" not in audit
    assert not any(b"/work" in content or str(Path.cwd()).encode() in content for content in first.values())


def changed(study: Study, change: Callable[[dict[str, Any]], Any]) -> EttTable:
    entry = yaml.safe_load(Path("workflow/grid/ett/tables.yaml").read_text())["table-5"]
    change(entry)
    return validated(EttTable, "table-5", entry, "here")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda entry: entry["labels"].append("Tuned"),
            "'Tuned' is not a column of the paper's Table 5. Legal: Tuning",
        ),
        (
            lambda entry: entry["columns"].update({"rFID": entry["columns"]["GQA"]}),
            "'rFID' is not a column of numbers of the paper's Table 5",
        ),
        (
            lambda entry: entry["rows"][0].update(published=2),
            r"the rows name \[2, 2, 3, 4, 5, None\] of the paper's Table 5, which has 5",
        ),
        (lambda entry: entry["rows"].pop(), "`pairs` names row 6 of 5"),
        (lambda entry: entry["rows"][-1].pop("labels"), "a row of our own has `labels` for Tuning Task"),
    ],
)  # fmt: skip
def test_a_table_that_does_not_fit_the_papers_is_refused(
    study: Study, change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    published = read_ett(Path("paper_tables/published/ett"))[5]
    with pytest.raises(VistokError, match=message):
        assemble_ett(study, changed(study, change), published, ())
    assert read_tables()["table-5"].number == 5


def test_an_unknown_key_names_the_legal_ones(study: Study) -> None:
    with pytest.raises(VistokError, match=r"unknown key 'wait'.*waits_for"):
        changed(study, lambda entry: entry["columns"].update(GQA={"metric": "accuracy", "wait": "?"}))
