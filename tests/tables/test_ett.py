"""Our cells of ETT's tables: answers of its four inputs beside the paper's numbers, blind rows, and pairs of rows."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.small_study import SKILL, Small, answer_at_random

from vistok.errors import VistokError
from vistok.files import write_json
from vistok.grid.ett import PROMPT_SETS, EttPaths, EttTable, read_tables
from vistok.grid.ett_files import measured
from vistok.grid.ett_scale import tuned_runs
from vistok.grid.study import Study
from vistok.pages.table import render_table
from vistok.published.ett import read_ett
from vistok.steps import score_run, show_ett
from vistok.tables.ett import assemble_ett, read_measured
from vistok.tables.ett_generation import ROWS
from vistok.tables.report import TableReport

SKILLS = {
    "ibq-codes/index-frozen/vicuna-7b/seed-0": 0.1,
    "ibq/embedding-frozen/vicuna-7b/seed-0": 0.5,
    "ibq/embedding-tuned/vicuna-7b/seed-0": 0.95,
    "ibq/embedding-tuned/vicuna-7b/seed-1": 0.85,
    "ibq-longer/embedding-frozen/vicuna-7b/seed-0": 0.8,
}
DRAWN = {
    f"{name}/guided": {"plain": {"mean": {"value": 20.0 + place, "low": 19.0, "high": 25.0, "n": 270}}}
    for place, name in enumerate(
        (
            "ibq-codes/index-frozen",
            "ibq/embedding-frozen",
            "ibq/embedding-tuned",
            "ibq-longer/embedding-frozen",
        )
    )
}
PAINTED = (
    "ibq",
    "ibq-longer",
    "embedding-tuned",
    "embedding-tuned-alone",
    "embedding-tuned-half",
    "embedding-tuned-whole",
)


@pytest.fixture
def study(mini: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A small study of which ETT's four inputs have answered the benchmark, the tuned one of two seeds."""
    root = tmp_path / "checkout"
    shutil.copytree(mini.root, root, symlinks=True)
    monkeypatch.chdir(root)
    for path, skill in SKILLS.items():
        monkeypatch.setitem(SKILL, path, skill)
        run = mini.study.run(path)
        answer_at_random(mini.study, run)
        score_run.run(mini.study, run, "gvt")
    rows = {
        name: {"rfid": {"value": 1.5 + index, "low": None, "high": None, "n": 12}}
        for index, name in enumerate(PAINTED)
    }
    write_json(EttPaths(mini.study).reconstruction, {"rows": rows})
    write_json(EttPaths(mini.study).generation, {"rows": DRAWN})
    return mini.study


def table(number: int, *, seeds: dict[str, tuple[int, ...]] | None = None) -> EttTable:
    """Returns one of the grid's tables without SEED-Bench, which nothing here has answered."""
    result = read_tables()[f"table-{number}"]
    columns = {title: entry for title, entry in result.columns.items() if entry.task != "seed-bench"}
    rows = tuple(row.model_copy(update={"seeds": (seeds or {}).get(row.recipe, (0,))}) for row in result.rows)
    return result.model_copy(update={"columns": columns, "rows": rows})


def assembled(study: Study, entry: EttTable) -> TableReport:
    published = read_ett(Path("paper_tables/published/ett"))[entry.number]
    return assemble_ett(study, entry, published, (), read_measured(study, entry))


def cell(report: TableReport, row: int, title: str) -> Any:
    return report.rows[row].cells[[column.title for column in report.columns].index(title)]


def test_the_four_inputs_stand_beside_the_papers_three(study: Study) -> None:
    report = assembled(study, table(4, seeds={"embedding-tuned": (0, 1)}))
    assert [row.labels for row in report.rows] == [
        ("Index", "Frozen"), ("Embedding", "Frozen"), ("Embedding", "Tuned"), ("Embedding", "Frozen, trained as long"),
    ]  # fmt: skip
    index, frozen, tuned, longer = (cell(report, row, "COCO-MCI") for row in range(4))
    assert index.ours < frozen.ours < longer.ours < tuned.ours and longer.published is None
    assert tuned.seed_values[0] > tuned.seed_values[1] and tuned.spread > 0
    assert tuned.n == 36 and tuned.low < tuned.ours < tuned.high and tuned.bar is not None
    drawn = [cell(report, row, "GenEval") for row in range(4)]
    assert [each.ours for each in drawn] == [0.2, 0.21, 0.22, 0.23] and float(drawn[2].published) == 0.43
    assert (drawn[0].low, drawn[0].high, drawn[0].n) == (0.19, 0.25, 270) and drawn[3].published is None
    blind = {baseline.name: baseline for baseline in report.baselines}
    assert "text-only-vicuna-7b" in blind and not any(name.startswith("category-blind") for name in blind)
    assert blind["constant"].values[[column.title for column in report.columns].index("COCO-MCI")] is not None
    page = render_table(report, "md")
    assert "Embedding, Tuned less Embedding, Frozen, trained as long: VQAv2 " in page
    (said,) = re.findall(
        r"Embedding, Frozen less Index, Frozen: .*COCO-MCI \+([\d.]+) \\?\[([-\d.]+), ([-\d.]+)\\?\]", page
    )
    low, high = float(said[1]), float(said[2])
    assert float(said[0]) == round(frozen.ours - index.ours, 1) and low < float(said[0]) < high
    assert "GenEval: ours is of this world's own prompts, of which images to learn from have every" in page
    assert "Holm" in page and "not measured: it asks about photographs" in page
    assert all(render_table(report, suffix) for suffix in ("csv", "tex", "html"))


def test_the_weights_have_the_distance_of_each_ones_tokenizer(study: Study) -> None:
    entry = table(5)
    entry = entry.model_copy(update={"columns": {"ImageNet rFID": entry.columns["ImageNet rFID"]}})
    report = assembled(study, entry)
    assert [row.cells[0].ours for row in report.rows] == [1.5, 4.5, 3.5, 5.5, 6.5, 2.5]
    assert str(report.rows[1].cells[0].published) == "45.701" and report.rows[5].cells[0].published is None
    assert [run.recipe for run in tuned_runs(study)] == [
        "embedding-tuned-alone", "embedding-tuned", "embedding-tuned-half", "embedding-tuned-whole",
    ]  # fmt: skip


def whole_records(study: Study) -> None:
    """Writes what the tables of reconstruction and of generation show besides what Tables 4 and 5 do."""
    kinds = ("single_object", "two_object", "counting", "colors", "position", "color_attr")
    score = {"value": 20.0, "low": 19.0, "high": 25.0, "n": 270}
    drawn = {
        name: dict.fromkeys(PROMPT_SETS, dict.fromkeys((*kinds, "mean", "more"), score)) for name in ROWS
    }
    for name, shown in DRAWN.items():
        drawn[name]["plain"] = {**drawn[name]["plain"], **shown["plain"]}
    protocol = {"prompts": {"plain": 270, "held-out": 270}, "judge_digest": "0" * 64}
    judged = {kind: {"shown": 99.0, "near": 99.0, "n": 450} for kind in kinds}
    write_json(EttPaths(study).generation, {"rows": drawn, "protocol": protocol, "judge": judged})


def test_claims_are_weighed_on_our_cells_as_they_are_read_there(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_records(study)
    columns = {"ImageNet rFID": read_tables()["table-5"].columns["ImageNet rFID"]}
    tables = {"table-4": table(4), "table-5": table(5).model_copy(update={"columns": columns})}
    monkeypatch.setattr(show_ett, "tables_of", lambda study: tables)
    with pytest.raises(
        VistokError, match=r"'ett-gains-in-understanding', `own`: .*'SEED-I'.*Legal: .*COCO-OC"
    ):
        show_ett.run(study)
    asked = Path("workflow/grid/ett/claims.yaml").read_text().replace("SEED-I, VQAv2, COCO-Caption", "VQAv2")
    Path("claims.yaml").write_text(asked)
    monkeypatch.setattr(show_ett, "CLAIMS", Path("claims.yaml"))
    show_ett.run(study)
    pages = EttPaths(study).pages
    weighed = json.loads((pages / "claims.json").read_text())
    printed, ours = weighed["published"], weighed[study.results_id]
    assert {name: (printed[name]["verdict"], ours[name]["verdict"]) for name in ours} == {
        "ett-gains-in-understanding": ("holds", "holds"),
        "ett-gains-in-generation": ("within noise", "within noise"),
        "ett-embeddings-are-no-worse-than-indices": ("within noise", "within noise"),
        "ett-preserves-reconstruction": ("contradicted", "contradicted"),
    }
    gains = {each["label"]: each for each in ours["ett-gains-in-understanding"]["differences"]}
    assert len(gains) == 6
    report = assembled(study, tables["table-4"])
    index, tuned = cell(report, 0, "COCO-MCI").ours, cell(report, 2, "COCO-MCI").ours
    found = gains["Table 4, COCO-MCI: embedding/tuned over index/frozen"]
    assert found["points"] == pytest.approx(tuned - index, abs=1e-3) and found["verdict"] == "holds"
    assert found["noise"] == "questions"
    (distance,) = ours["ett-preserves-reconstruction"]["differences"]
    assert (distance["points"], distance["low"], distance["high"]) == (-2.0, -2.0, -2.0)
    page = (pages / "claims.html").read_text()
    assert "The claims of ETT" in page and "On cells of ours: The same on the tasks that are answered" in page


def test_a_score_that_is_not_there_is_named(study: Study) -> None:
    with pytest.raises(VistokError, match=r"metrics not found: .*/(ibq|ibq-longer)/embedding-.*"):
        assembled(study, table(5))


def test_what_the_tables_wait_for_follows_the_seeds_asked_for(study: Study) -> None:
    once, thrice = (
        {str(path) for path in measured(replace(study, seeds=seeds)) if path.name == "metrics.json"}
        for seeds in (1, 3)
    )
    assert once < thrice
    assert {path.split("/")[-3] for path in thrice - once} == {"seed-1", "seed-2"}
    more = {"/".join(path.split("/")[2:4]) for path in thrice - once}
    assert more == {
        "ibq-codes/index-frozen", "ibq/embedding-frozen", "ibq/embedding-tuned", "ibq-longer/embedding-frozen",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metric": "accuracy"}, "found none"),
        ({"task": "coco-oc", "metric": "accuracy"}, "a column has a `task`, whose metric it shows"),
        ({"task": "coco-oc", "waits_for": "it"}, "found task, waits_for"),
    ],
)
def test_a_column_says_once_what_is_ours(change: dict[str, str], message: str) -> None:
    entry = read_tables()["table-4"].columns["COCO-OC"]
    with pytest.raises(ValueError, match=message):
        type(entry).model_validate(change)
