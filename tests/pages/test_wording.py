"""Every kind of finding has its sentences, and what a file brings along cannot change what a page is."""

import ast
import json
from pathlib import Path

import pytest

import vistok.audit
from vistok.audit.checks import generated_findings, table_findings
from vistok.audit.findings import Finding
from vistok.pages.audit import write_findings
from vistok.pages.wording import worded
from vistok.published.tables import read_all_published

AUDIT = Path(vistok.audit.__file__).parent
SENTENCES = AUDIT.parent / "pages/templates/findings"
HOSTILE = "<script>alert(1)</script>\x1b[2J|![x](http://x.example)`\n# forged"


def kinds() -> set[str]:
    """Returns the kinds of finding that the audit's code makes."""
    trees = [ast.parse(path.read_text()) for path in AUDIT.glob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    made = [call for call in calls if ast.unparse(call.func) == "Finding"]
    return {ast.literal_eval(word.value) for call in made for word in call.keywords if word.arg == "kind"}


def test_every_kind_of_finding_has_its_template() -> None:
    templates = {path.name.removesuffix(".txt.j2") for path in SENTENCES.glob("*.txt.j2")}
    assert kinds() == templates - {"blind"}


def test_sentences_are_one_line_each_and_end(repository: Path) -> None:
    for finding in table_findings(read_all_published(repository / "paper_tables/published")):
        wording = worded(finding)
        assert not wording.title.endswith(".")
        for text in (wording.tested, wording.surprise, wording.meaning):
            assert text.endswith(".") and "\n" not in text and "  " not in text


@pytest.fixture
def hostile(tmp_path: Path, repository: Path) -> tuple[Finding, ...]:
    """The findings on a benchmark file whose objects are written to break out of a page."""
    rows = [
        {
            "image_id": image,
            "text_in": f"Does {name} exist in the image?",
            "text_out": "Yes.",
            "n_obj_exist": 3,
        }
        for image in range(30)
        for name in (HOSTILE, "cat")
    ]
    path = tmp_path / "coco_mci.json"
    path.write_text(json.dumps(rows))
    return generated_findings(path, read_all_published(repository / "paper_tables/published"))


def test_names_of_objects_are_shown_and_do_nothing(hostile: tuple[Finding, ...], tmp_path: Path) -> None:
    write_findings(hostile, [], tmp_path, figures={"figure": "<svg/>", "narrow_figure": "<svg/>"})
    markdown, html = (tmp_path / "audit.md").read_text(), (tmp_path / "audit.html").read_text()
    assert "alert(1)" in markdown and "alert(1)" in html
    assert "<script" not in markdown.replace(r"\<", "") and "<script" not in html
    assert r"\!" in markdown or "![x](" not in markdown.replace(r"\[", "")
    assert "\x1b" not in markdown + html
    assert "# forged" not in [line.strip() for line in markdown.splitlines()]
