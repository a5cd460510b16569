"""The claims' table and figure show every claim for every source of cells, the same bytes each time."""

import argparse
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from vistok.claims import Claim, Measured, read_cells, read_claims
from vistok.commands.claims import add_arguments, run
from vistok.errors import VistokError
from vistok.pages.claims import write_claims
from vistok.published.tables import read_all_published

RESULTS = [
    {"table": 2, "row": "clip/frozen", "column": "VQA", "value": 61.0, "low": 60.0, "high": 62.0},
    {"table": 2, "row": "clip/tuned", "column": "VQA", "value": 50.0, "low": 49.0, "high": 51.0},
    {"table": 2, "row": "dinov2/frozen", "column": "VQA", "value": None},
]


def write(repository: Path, out: Path, *more: str) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    arguments = ["--published", str(repository / "paper_tables/published"), "--out", str(out)]
    claims = ["--claims", str(repository / "workflow/grid/claims.yaml")]
    assert run(parser.parse_args([*arguments, *claims, *more])) == 0


def claims(repository: Path) -> tuple[Claim, ...]:
    tables = read_all_published(repository / "paper_tables/published")
    return read_claims(repository / "workflow/grid/claims.yaml", tables).claims


@pytest.fixture(scope="module")
def pages(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("claims")
    (folder / "cells.json").write_text(json.dumps(RESULTS))
    write(repository, folder, "--results", str(folder / "cells.json"), "--name", "mini")
    return folder


def test_a_scale_is_judged_beside_the_published_numbers(pages: Path) -> None:
    result = json.loads((pages / "claims.json").read_text())
    assert set(result) == {"published", "mini"}
    assert result["mini"]["clip-and-dinov2-lose-semantics"] == {
        "section": "2.2",
        "quote": "the rich semantics obtained from large-scale pretraining in CLIP and DINOv2 "
        "have noticeably dropped",
        "verdict": "not measured",
        "not_measured": 3,
        "differences": [
            {
                "label": "Table 2, VQA: clip/frozen over clip/tuned",
                "points": 11.0,
                "low": pytest.approx(11 - 2**0.5, abs=1e-4),
                "high": pytest.approx(11 + 2**0.5, abs=1e-4),
                "verdict": "holds",
                "noise": "questions",
            }
        ],
    }
    assert result["mini"]["gvt-is-best-overall"]["verdict"] == "not measured"


def test_every_claim_is_in_the_table_and_the_page(pages: Path, repository: Path) -> None:
    markdown, html = (pages / "claims.md").read_text(), (pages / "claims.html").read_text()
    for claim in claims(repository):
        assert f"“{claim.quote}”" in markdown
        assert f'id="{claim.id}"' in html
    assert "| section | claim | read as | published | mini |" in markdown
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]+"', "", html)


def test_the_figure_has_a_panel_a_source_and_a_row_a_claim(pages: Path, repository: Path) -> None:
    svg = ElementTree.fromstring((pages / "claims.svg").read_text())
    texts = ["".join(node.itertext()).strip() for node in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert {"published numbers", "mini numbers"} <= set(texts)
    for claim in claims(repository):
        assert any(text.startswith(claim.id.replace("-", " ")) for text in texts)
    assert texts.count("not measured") > 20


def test_a_second_run_gives_the_same_bytes(pages: Path, repository: Path, tmp_path: Path) -> None:
    tables = read_all_published(repository / "paper_tables/published")
    study = read_claims(repository / "workflow/grid/claims.yaml", tables)
    write_claims(tables, study, {"mini": read_cells(pages / "cells.json")}, tmp_path)
    for name in ("claims.svg", "claims.json", "claims.md", "claims.html"):
        assert (tmp_path / name).read_bytes() == (pages / name).read_bytes()


def test_cells_are_read_with_what_is_not_measured(pages: Path) -> None:
    cells = read_cells(pages / "cells.json")
    assert cells[2, "clip/frozen", "VQA"] == Measured(61.0, 60.0, 62.0)
    assert cells[2, "dinov2/frozen", "VQA"] is None


def test_a_cell_without_an_interval_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cells.json"
    path.write_text(json.dumps([{"table": 2, "row": "clip/frozen", "column": "VQA", "value": 61.0}]))
    with pytest.raises(VistokError, match="low and high are needed"):
        read_cells(path)


def test_pages_tell_whether_training_noise_is_known(repository: Path, tmp_path: Path) -> None:
    said = "For published and mini it is unknown how much another training would change a cell"
    once = [{**cell, "training_error": 0.0} for cell in RESULTS]
    often = [{**cell, "training_error": 2.0, "training_freedom": 2} for cell in RESULTS]
    for cells, expected in (
        (RESULTS, said),
        (once, said),
        (often, "The intervals of mini include the spread between trainings"),
    ):
        (tmp_path / "cells.json").write_text(json.dumps(cells))
        write(repository, tmp_path, "--results", str(tmp_path / "cells.json"), "--name", "mini")
        for name in ("claims.md", "claims.html"):
            assert expected in (tmp_path / name).read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"row": "clip/frozn"},
            "unknown row of Table 2 in the results 'mini' 'clip/frozn'. Did you mean 'clip/frozen'",
        ),
        ({"column": "VQAv2"}, "unknown column of Table 2 in the results 'mini' 'VQAv2'"),
        ({"table": 9}, "unknown table in the results 'mini' '9'"),
        ({"training_error": "x"}, "a training_error is a number"),
        ({"training_error": 2.0}, "training_freedom is 1 or more"),
    ],
)
def test_results_that_no_table_has_are_refused(
    repository: Path, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    (tmp_path / "cells.json").write_text(json.dumps([{**RESULTS[0], **change}]))
    with pytest.raises(VistokError, match=re.escape(message)):
        write(repository, tmp_path, "--results", str(tmp_path / "cells.json"), "--name", "mini")
    assert not (tmp_path / "claims.json").exists()


def test_a_source_without_any_cell_can_be_drawn(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "cells.json").write_text("[]")
    write(repository, tmp_path, "--results", str(tmp_path / "cells.json"), "--name", "mini")
    assert "mini numbers" in (tmp_path / "claims.svg").read_text()
