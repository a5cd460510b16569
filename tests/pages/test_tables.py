"""The four formats of a table: well formed, with every number, the same bytes for the same inputs."""

import csv
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pytest_regressions.file_regression import FileRegressionFixture

from vistok.errors import printable
from vistok.grid.paths import TABLE_FORMATS, Paths
from vistok.pages.escapes import latex, markdown, spreadsheet
from vistok.pages.table import render_table
from vistok.pages.templating import FORMATS, cited
from vistok.published.tables import PUBLISHED, read_all_published
from vistok.steps import tabulate
from vistok.tables.assemble import assemble

Rendered = Callable[[Any, str], str]
VOID = {"meta", "br"}


@pytest.fixture
def rendered(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Rendered:
    monkeypatch.chdir(checkout)

    def render(small: Any, suffix: str) -> str:
        tabulate.run(small.study, "table-2")
        return Paths(small.study).table("table-2", suffix).read_text()

    return render


class Page(HTMLParser):
    """Checks that tags are balanced, and collects the text of each table's cells."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "style", "onclick")]
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        assert tag == "rect"

    def handle_data(self, data: str) -> None:
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data


def page(text: str) -> Page:
    parsed = Page()
    parsed.feed(text)
    parsed.close()
    assert parsed.open == []
    return parsed


def test_the_same_inputs_give_the_same_bytes_without_a_trace_of_the_machine(
    mini: Any, excerpt: Any, checkout: Path, rendered: Rendered
) -> None:
    for small in (mini, excerpt):
        for suffix in TABLE_FORMATS:
            text = rendered(small, suffix)
            assert rendered(small, suffix) == text
            assert str(checkout) not in text
            assert checkout.name not in text
            assert text.endswith("\n")


def test_markdown_is_as_it_was(mini: Any, rendered: Rendered, file_regression: FileRegressionFixture) -> None:
    file_regression.check(rendered(mini, "md"), extension=".md", encoding="utf-8")


def test_every_line_of_a_markdown_table_has_every_column(excerpt: Any, rendered: Rendered) -> None:
    found = [line for line in rendered(excerpt, "md").splitlines() if line.startswith("|")]
    widths = [len(re.findall(r"(?<!\\)\|", line)) - 1 for line in found]
    assert widths == [4 + 7] * 12 + [4 + 13] * 12


def test_markdown_shows_rank_baseline_and_missing_cells(mini: Any, excerpt: Any, rendered: Rendered) -> None:
    text = rendered(mini, "md")
    clip = next(line for line in text.splitlines() if "CLIP (Radford" in line).split(" | ")
    assert re.fullmatch(
        r"\*\*52\.2\*\* → \*\*\d+\.\d\*\* ±\xa0\d+\.\d<br><sub>\+\d+\.\d<br>\\\[\d+\.\d, \d+\.\d\\\]</sub>"
        r"<br><sub>\d+ % of the way \\\[−?\d+, \d+\\\]</sub>",
        clip[4],
    )
    failed = next(line for line in text.splitlines() if line.startswith("| ✓"))
    assert failed.count("▽") == 6
    assert "29.7 → - |" in rendered(excerpt, "md")


def test_every_format_says_how_many_questions_each_column_asks(
    mini: Any, excerpt: Any, rendered: Rendered
) -> None:
    for small, counts in ((mini, ("n = 24", "n = 12", "n = 36")), (excerpt, ("n = 16 of 24", "n = 0 of 36"))):
        for suffix in ("md", "tex", "html"):
            text = rendered(small, suffix)
            assert all(count in text for count in counts)


def test_the_page_needs_nothing_but_itself(excerpt: Any, rendered: Rendered) -> None:
    text = rendered(excerpt, "html")
    within = [link for link in page(text).links if link.startswith("#")]
    assert within and all(f'id="{link[1:]}"' in text for link in within)
    others = set(page(text).links) - set(within)
    runs = {f"runs/{run.path}/index.html" for run in excerpt.study.runs() if run.seed == 0}
    scripts = {"assets/datatables.js", "assets/page.js"}
    assert {link.partition("#")[0] for link in others} == {"audit.html"} | scripts | runs
    assert not re.search(r"https?:|@import|url\(|<link|<img", text)
    for needed in ('name="viewport"', "position: sticky", "@media print", "overflow-x: auto"):
        assert needed in text


def test_the_page_holds_every_number(mini: Any, rendered: Rendered) -> None:
    main, compared, others = page(rendered(mini, "html")).tables
    assert [len(row) for row in main] == [8] * 15
    assert [len(row) for row in compared] == [7] * 2
    assert [len(row) for row in others] == [14] * 11
    for index, line in enumerate(csv.DictReader(rendered(mini, "csv").splitlines())):
        cell = main[1 + index // 7][1 + index % 7]
        if index >= 5 * 7:  # of a floor or a ceiling
            assert cell.startswith(f"{float(line['ours']):.1f}")
            continue
        assert cell.split()[0] == f"{float(line['ours']):.1f}"
        assert f"{float(line['share']):.0f} % of the way".replace("-", "−") in cell
        assert f"pub. {line['published'] or '-'}" in cell
        assert ("▽" in cell) == (line["beats_blind"] == "no")
        if line["low"]:
            assert f"[{float(line['low']):.1f}, {float(line['high']):.1f}]" in cell
    assert others[0][1:4] == ["VQAreleased", "VQAofficial", "VQAlavis"]
    assert "My_Encoder <50% & #1|" in main[4][0]


def test_bars_stay_on_their_axis(mini: Any, rendered: Rendered) -> None:
    text = rendered(mini, "html")
    drawn = re.findall(r'<rect x="([\d.]+)" y="\d" width="([\d.]+)" height="(?:4|10|12)"', text)
    assert len(drawn) > 100
    assert all(0 <= float(left) <= float(left) + float(width) <= 101 for left, width in drawn)


def test_latex_lines_have_every_column(excerpt: Any, rendered: Rendered) -> None:
    text = rendered(excerpt, "tex")
    found = [line for line in text.splitlines() if line.endswith((r"\\", r"\\[2pt]"))]
    widths = [len(re.findall(r"(?<!\\)&", line)) + 1 for line in found]
    assert widths == [11] * (3 + 5 * 3 + 5) + [17] * (2 + 5 + 5)
    assert text.isascii()
    assert r"\usepackage{booktabs,amssymb,graphicx}" in text.splitlines()[0]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(mini: Any, excerpt: Any, rendered: Rendered, tmp_path: Path) -> None:
    bodies = "\\clearpage\n".join(rendered(small, "tex") for small in (mini, excerpt))
    needed = re.search(r"\\usepackage\{.*\}", bodies)
    assert needed
    document = f"\\documentclass{{article}}\n{needed[0]}\n\\begin{{document}}\n{bodies}\\end{{document}}\n"
    (tmp_path / "t.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    assert (tmp_path / "t.pdf").stat().st_size > 10_000


def test_latex_sets_any_text() -> None:
    assert latex("50% & #1_{x}^2~$\\") == (
        r"50\% \& \#1\_\{x\}\textasciicircum{}2\textasciitilde{}\$\textbackslash{}"
    )
    assert latex("Žižek, Gödel, São, Ångström") == r"\v{Z}i\v{z}ek, G\"{o}del, S\~{a}o, \r{A}ngstr\"{o}m"
    assert latex("中 −1 ✓") == r"{[}U+4E2D{]} $-$1 $\checkmark$"
    assert FORMATS["tex"].code("a/b --cores") == r"\texttt{a/\allowbreak{}b -{}-cores}"


def test_markdown_shows_any_text() -> None:
    assert markdown("a|b*d <e> [f] `g`") == r"a\|b\*d \<e\> \[f\] \`g\`"
    assert markdown("coco_oc.json, __init__ and _x") == r"coco_oc.json, \_\_init\_\_ and \_x"


def test_no_label_is_a_formula_and_every_number_is_one() -> None:
    formulas = ["=HYPERLINK(1)", "+1+cmd|x", "-2+3", "@SUM(1)", "-x", " =1", "\uff1d1+1", "\uff20SUM(1)"]
    assert [spreadsheet(text) for text in formulas] == [f"'{text}" for text in formulas]
    numbers = ["-", "", "-3.25", "0.5", "-1e-05", "DeiT (x)", "1 = 2"]
    assert [spreadsheet(text) for text in numbers] == numbers


def test_what_would_steer_a_terminal_is_spelt_out() -> None:
    assert printable("a\x1b[2J\tb\nc\u202ed\N{NO-BREAK SPACE}é") == "a\\x1b[2J b c\\u202ed\N{NO-BREAK SPACE}é"


def test_a_label_is_parted_from_its_citation() -> None:
    assert cited("CLIP (Radford et al., 2021)") == ("CLIP", "Radford et al., 2021")
    assert cited("CLIP-20M") == ("CLIP-20M", "")


@pytest.mark.parametrize(
    ("suffix", "words"), [("html", "pub. "), ("md", "- → "), ("tex", "below it published (difference)")]
)
def test_a_table_of_our_own_prints_no_empty_published_numbers(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, mini: Any, suffix: str, words: str
) -> None:
    monkeypatch.chdir(checkout)
    report = assemble(mini.study, "table-2", read_all_published(PUBLISHED)[2])
    bare = replace(
        report,
        rows=tuple(
            replace(row, cells=tuple(replace(cell, published=None, alone=False) for cell in row.cells))
            for row in report.rows
        ),
    )
    assert words.replace("- →", "→") in render_table(report, suffix)
    text = render_table(bare, suffix)
    assert words not in text and "The difference is ours" not in text
