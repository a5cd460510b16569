"""A build is kept whole: every training's value, what it took, and the document that shows it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vistok.cli import main
from vistok.commands import export_results
from vistok.pages.kept import BEGIN, END, kept_section, with_section

CLIP = "clip/frozen/vicuna-7b"
TIMED = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


@pytest.fixture
def built(mini: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(mini.root)
    monkeypatch.setattr(export_results, "study_of", lambda args: mini.study)
    for seed, seconds in ((0, 10.5), (1, 20.0)):
        file = mini.root / f"benchmarks/mini/tune_mllm/{CLIP}/seed-{seed}.tsv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{TIMED}{seconds}\t0:00:10\t{300 + seed}.2\t1\t1\t1\t0\t0\t99.0\t{seconds - 1}\n")
    return mini


def test_every_training_of_every_cell_is_kept(built: Any, tmp_path: Path) -> None:
    assert main(["export-results", "--out", str(tmp_path / "kept.json")]) == 0
    kept = json.loads((tmp_path / "kept.json").read_text())
    table = kept["tables"]["table-2"]
    assert (kept["scale"], kept["seeds"], list(kept["tables"])) == ("mini", 1, ["table-2"])
    row = next(row for row in table["rows"] if row["row"] == CLIP)
    cell = row["cells"]["COCO-MCI"]
    assert row["seeds"] == [0, 1]
    values = [
        built.metrics(f"{CLIP}/seed-{seed}", "coco-mci")["answers"]["released"]["metrics"]["accuracy"]
        for seed in (0, 1)
    ]
    assert cell["by_seed"] == values
    assert cell["mean"] == pytest.approx(sum(values) / 2, abs=1e-6)
    assert cell["spread"] == pytest.approx(abs(values[0] - values[1]) / 2**0.5, abs=1e-6)
    assert table["told_apart"]["frozen/vicuna-7b"]["columns"]["COCO-MCI"]["of"] == 3
    assert kept["seconds"]["tune-mllm"] == {
        "jobs": 2,
        "seconds": 30.5,
        "processor_seconds": 28.5,
        "memory_mib": 301,
    }


def test_a_document_shows_what_was_kept(built: Any, tmp_path: Path) -> None:
    out, document = tmp_path / "mini-2026-01-02.json", tmp_path / "doc.md"
    document.write_text(f"Before.\n\n{BEGIN}\n\nold\n\n{END}\n\nBehind.\n")
    assert main(["export-results", "--out", str(out), "--show-in", str(document)]) == 0
    kept, text = json.loads(out.read_text()), document.read_text()
    section = kept_section(out.name, kept)
    assert text == f"Before.\n\n{BEGIN}\n\n{section.strip()}\n\n{END}\n\nBehind.\n"
    (cell,) = [row["cells"]["COCO-OC"] for row in kept["tables"]["table-2"]["rows"] if row["row"] == CLIP]
    row = next(line for line in section.splitlines() if line.startswith(f"| {CLIP} | 2 |"))
    assert f"| {cell['mean']:.1f} ± {cell['spread']:.1f} |" in row
    assert "| tune-mllm | 2 | 30 | 28 | 301 MiB |" in section
    lines = [line for line in section.splitlines() if line.startswith("| ") and "MiB" not in line]
    assert {line.count("|") for line in lines[:-2]} == {7 + 3}


def test_a_row_has_the_seeds_that_it_was_scored_with(
    built: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three seeds are asked for; most rows were scored with one, CLIP with two, and none is read that is not there."""
    table = built.study.table("table-2")
    rows = tuple(row.model_copy(update={"seeds": (0, 1, 2)}) for row in table.rows)
    study = replace(built.study, seeds=3, tables={"table-2": table.model_copy(update={"rows": rows})})
    monkeypatch.setattr(export_results, "study_of", lambda args: study)
    assert main(["export-results", "--out", str(tmp_path / "kept.json")]) == 0
    result = json.loads((tmp_path / "kept.json").read_text())["tables"]["table-2"]["rows"]
    assert {row["row"]: row["seeds"] for row in result if len(row["seeds"]) != 1} == {CLIP: [0, 1]}
    assert {row["row"] for row in result} >= {"untrained/frozen/vicuna-7b", "perfect/frozen/vicuna-7b"}


@pytest.mark.parametrize("text", ["no marks", f"{BEGIN}\n", f"{BEGIN}{BEGIN}{END}"])
def test_a_document_without_its_marks_is_refused_and_nothing_is_written(
    built: Any, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out, document = tmp_path / "kept.json", tmp_path / "doc.md"
    document.write_text(text)
    assert main(["export-results", "--out", str(out), "--show-in", str(document)]) == 1
    assert "needs the two lines" in capsys.readouterr().err
    assert not out.exists() and document.read_text() == text


def test_the_document_of_mini_shows_the_newest_build(repository: Path) -> None:
    document = (repository / "docs/mini-scale.md").read_text()
    kept = sorted((repository / "benchmarks/results").glob("mini-2*.json"))
    section = (
        kept_section(kept[-1].name, json.loads(kept[-1].read_text())) if kept else "No build is kept yet."
    )
    assert with_section(document, section) == document
