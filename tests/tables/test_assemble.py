"""What stands in a table: the scorers' numbers, the paper's, differences, ranks, baselines and notes."""

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from vistok.audit.checks import table_findings
from vistok.audit.findings import Finding, PublishedCells, Verdict
from vistok.chain.results import blind_inputs, write_metrics, write_predictions
from vistok.errors import VistokError
from vistok.evaluation.references import load_references
from vistok.evaluation.score.predictions import read_predictions
from vistok.evaluation.score.scoring import score_answers
from vistok.files import digest_file
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.grid.tables import Column, ReleasedRow, Row
from vistok.pages.notes import banner, footnote, notes
from vistok.pages.table import render_table
from vistok.provenance import unsealed
from vistok.published.tables import read_all_published, read_published
from vistok.steps import fit_blind, tabulate
from vistok.steps.asking import ask, ask_all
from vistok.tables.assemble import assemble
from vistok.tables.audited import with_audit
from vistok.tables.metrics import rebuild_command
from vistok.tables.rankings import rankings
from vistok.tables.ranks import ranks
from vistok.tables.report import TableReport
from vistok.tables.values import Cell, Share

Report = Callable[..., TableReport]
pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture
def here(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(checkout)
    return checkout


@pytest.fixture
def report() -> Report:
    def make(small: Any, **changes: Any) -> TableReport:
        study = small.study
        table = study.table("table-2").model_copy(update=changes)
        study = replace(study, tables={"table-2": table})
        return assemble(study, "table-2", read_published(tabulate.PUBLISHED, table.number))

    return make


def rendered(small: Any, suffix: str) -> str:
    tabulate.run(small.study, "table-2")
    return Paths(small.study).table("table-2", suffix).read_text()


def lines(small: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(rendered(small, "csv").splitlines()))


def test_every_cell_is_what_the_scorer_said(mini: Any) -> None:
    found = [line for line in lines(mini) if line["task"] != "average" and line["seeds"] == "1"]
    assert len(found) == (4 + 4) * 6  # four rows of one seed; two floors and two ceilings
    for line in found:
        scored = mini.metrics(line["run"], line["task"])
        entry = scored["answers"][line["protocol"]]
        metric = line["metric"]
        assert line["protocol"] == scored["protocol"]
        assert float(line["ours"]) == entry["metrics"][metric]
        ends = [float(line[name]) if line[name] else None for name in ("low", "high")]
        assert ends == (entry["intervals"][metric] or [None, None])
        assert (int(line["n"]), int(line["of"])) == (scored["n"], scored["of"])
        for protocol, other in scored["answers"].items():
            assert float(line[f"ours_{protocol}"]) == other["metrics"][metric]


def test_captions_of_a_part_are_scored_with_the_frequencies_of_all_too(mini: Any, excerpt: Any) -> None:
    for small, whole in ((mini, True), (excerpt, False)):
        scored = small.metrics("clip/frozen/vicuna-7b/seed-0", "coco-caption")
        official, full_set = (dict(scored["answers"][protocol]) for protocol in ("official", "full-set"))
        assert official.pop("by_image")["counts"] == [1] * scored["n"]  # of the printed protocol alone
        assert scored["protocol"] == "official"
        assert (scored["n"] == scored["of"]) is whole
        assert (official == full_set) is whole


def test_published_numbers_and_labels_are_the_papers(mini: Any) -> None:
    paper = {line["column"]: line for line in lines(mini) if line["run"] == "deit/frozen/vicuna-7b/seed-0"}
    assert {line["published"] for line in paper.values()} == {
        "48.3",
        "65.8",
        "37.5",
        "83.6",
        "29.7",
        "62.5",
        "54.6",
    }
    first = paper["VQA"]
    assert first["Visual Tokenizer"] == "DeiT (Touvron et al., 2021)"
    assert (first["Tuning"], first["Supervision"], first["# Images"]) == ("×", "Fully", "1.28M")
    assert float(first["difference"]) == pytest.approx(float(first["ours"]) - 48.3, abs=1e-6)


def test_a_row_of_the_users_own_has_labels_from_the_grid_and_nothing_published(mini: Any) -> None:
    own = [line for line in lines(mini) if line["tokenizer"] == "my-encoder"]
    assert len(own) == 7
    assert {(line["Tuning"], line["Supervision"], line["# Images"]) for line in own} == {
        ("×", "Weakly", "7 M")
    }
    assert {line["Visual Tokenizer"] for line in own} == {"My_Encoder <50% & #1|"}
    assert {line["published"] + line["difference"] for line in own} == {""}
    assert all(line["ours"] for line in own)


def test_seeds_are_averaged_and_each_is_told(mini: Any, report: Report) -> None:
    made = report(mini)
    row = next(row for row in made.rows if len(row.seeds) == 2)
    for column, cell in zip(made.columns[:-1], row.cells, strict=False):
        entries = [mini.metrics(run, column.task)["answers"][column.protocol] for run in row.runs]
        values = [entry["metrics"][column.metric] for entry in entries]
        ends = [entry["intervals"][column.metric] for entry in entries]
        assert cell.seed_values == tuple(values)
        assert cell.ours == pytest.approx(sum(values) / 2, abs=1e-6)
        assert cell.spread == pytest.approx(abs(values[0] - values[1]) / 2**0.5, abs=1e-6)
        if None in ends:
            assert (cell.low, cell.high) == (None, None)
            continue
        assert (cell.low, cell.high) == pytest.approx(
            [sum(end) / 2 for end in zip(*ends, strict=True)], abs=1e-6
        )
    note = next(note for note in notes(made) if note.startswith("± is the standard deviation"))
    assert "Seeds 0, 1: `clip/frozen/vicuna-7b`. Each training's value is in the CSV" in note
    line = next(line for line in lines(mini) if line["seeds"] == "2")
    assert float(line["spread"]) == row.cells[0].spread
    assert [cell.spread_text for other in made.rows if len(other.seeds) < 2 for cell in other.cells] == [
        ""
    ] * 28


def test_the_average_is_of_all_six_columns_or_none(mini: Any, report: Report) -> None:
    made = report(mini)
    assert [column.title for column in made.columns][-1] == "Avg"
    for row in made.rows:
        values = [cell.ours for cell in row.cells[:-1]]
        assert row.cells[-1].ours == pytest.approx(sum(values) / 6, abs=1e-6)
        assert row.cells[-1].interval_text == ""
    assert any("CIDEr counts as one more accuracy" in note for note in notes(made))
    five = report(mini, columns=mini.study.table("table-2").columns[:5])
    assert [column.title for column in five.columns] == [
        "VQA",
        "COCO-Caption",
        "COCO-OC",
        "COCO-MCI",
        "VCR-OC",
    ]


def test_cells_are_held_against_the_best_blind_baseline(mini: Any) -> None:
    for line in lines(mini):
        if line["task"] == "average":
            assert line["beats_blind"] == ""
            continue
        blind = json.loads(Paths(mini.study).blind(line["task"]).read_text())
        said = {name: blind.get(name) for name in ("constant", "prior")}
        said["text-only-vicuna-7b"] = blind["text_only"]["vicuna-7b"]
        values = {
            name: scored[line["protocol"]]["metrics"][line["metric"]]
            for name, scored in said.items()
            if scored
        }
        printed = {name: line[f"blind_{name}"] for name in said}
        assert {name: float(value) for name, value in printed.items() if value} == values
        assert line["beats_blind"] == ("yes" if float(line["ours"]) > max(values.values()) else "no")
    failed = [
        line for line in lines(mini) if line["run"].startswith("clip-20m/tuned") and line["task"] != "average"
    ]
    assert {line["beats_blind"] for line in failed} == {"no"}


def test_the_best_baseline_of_each_column_is_marked(mini: Any, report: Report) -> None:
    constant, prior, alone = report(mini).baselines[:3]
    for index in range(6):
        found = [baseline.values[index] for baseline in (constant, prior, alone)]
        best = max(value for value in found if value is not None)
        assert [baseline.best[index] for baseline in (constant, prior, alone)] == [
            value == best for value in found
        ]
    assert any(alone.best), "the language model alone is best somewhere"
    assert prior.values[1] is None  # captions have one wording
    assert prior.values[-1] is None
    for baseline in (constant, alone):
        assert baseline.values[-1] == pytest.approx(sum(baseline.values[:6]) / 6, abs=1e-6)


def test_a_language_model_without_the_image_is_scored_as_any_answers_are(mini: Any) -> None:
    study = mini.study
    for task in study.answered_tasks():
        blind = json.loads(Paths(study).blind(task.id).read_text())
        predictions = Paths(study).blind_predictions("vicuna-7b", task.id)
        assert blind["inputs"] == {"vicuna-7b": digest_file(predictions)}
        references = load_references(task.kind, Paths(study).data / study.task_files(task.id).references)
        answers = read_predictions(predictions, references.ids, allow_missing=False)
        assert blind["text_only"]["vicuna-7b"] == score_answers(
            references, answers, protocols=task.protocols, resamples=200
        )


def test_every_language_model_of_a_table_has_its_own_row(
    mini: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(mini.root, tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")
    study = mini.study
    another = study.llm("vicuna-7b").model_copy(update={"id": "llama-7b", "label": "LLaMA-7B"})
    row = Row(tokenizer="deit", recipe="frozen", llm="llama-7b")
    table = study.table("table-2").model_copy(update={"rows": (*study.table("table-2").rows, row)})
    both = replace(study, llms={**study.llms, "llama-7b": another}, tables={"table-2": table})
    assert both.answering_llms("table-2") == ("vicuna-7b", "llama-7b")
    for task in both.answered_tasks():
        places = [Paths(both).blind_predictions(llm, task.id) for llm in both.answering_llms()]
        rows = [json.loads(line) for line in places[0].read_text().splitlines()]
        write_predictions(places[1], rows, blind_inputs(both, "llama-7b", task))
        for run in (run for run in both.runs() if run.llm == "llama-7b"):
            place = Path(f"results/mini/{run.path.replace('llama', 'vicuna')}/{task.id}/metrics.json")
            scored = unsealed(place, json.loads(place.read_text())) | {"run": run.path}
            write_metrics(Paths(both).metrics(run, task.id), scored)
    fit_blind.run(both, "gvt")
    made = assemble(both, "table-2", read_published(tabulate.PUBLISHED, 2))
    assert [baseline.title for baseline in made.baselines][2:4] == [
        "Blind: Vicuna-7B without the image",
        "Blind: LLaMA-7B without the image",
    ]
    assert made.baselines[2].values == made.baselines[3].values
    tabulate.run(both, "table-2")
    head = next(csv.DictReader(Path("paper_tables/mini/table-2.csv").read_text().splitlines()))
    assert head["blind_text-only-llama-7b"] == head["blind_text-only-vicuna-7b"] != ""


def test_ranks_are_of_printed_numbers_and_ties_share_them() -> None:
    assert ranks(["46.5", "47.5", "47.5", "47.0", "-"]) == [0, 1, 1, 2, 0]
    assert ranks(["-", "3.0"]) == [0, 1]
    assert ranks(["9.9", "10.0"]) == [2, 1]
    assert ranks(["0.0", "-", "0.0"]) == [0, 0, 0]


def test_published_ranks_are_over_the_rows_that_are_shown(mini: Any, report: Report) -> None:
    made = report(mini)
    best = {column.title: [] for column in made.columns}  # type: dict[str, list[str]]
    for row in made.rows:
        for column, cell in zip(made.columns, row.cells, strict=True):
            if cell.published_rank == 1:
                best[column.title].append(row.runs[0])
    clip = "clip/frozen/vicuna-7b/seed-0"
    assert best["VQA"] == best["Avg"] == [clip]
    assert best["COCO-OC"] == ["clip-20m/frozen/vicuna-7b/seed-0", clip]


@pytest.mark.parametrize(
    ("ours", "published", "text"),
    [(50.1499, "48.3", "+1.8"), (41.25, "41.2", "0.0"), (41.26, "41.2", "+0.1"), (3.0, "48.3", "−45.3")],
)
def test_the_difference_is_of_the_numbers_as_printed(ours: float, published: str, text: str) -> None:
    cell = Cell(1, published=Decimal(published), ours=ours)
    assert cell.difference_text == text
    assert Decimal(cell.ours_text) - Decimal(published) == Decimal(text.replace("−", "-"))


def test_a_part_of_the_questions_is_said_with_its_reason(excerpt: Any, report: Report) -> None:
    made = report(excerpt)
    by_title = {column.title: index for index, column in enumerate(made.columns)}
    for row in made.rows:
        assert row.cells[by_title["VQA"]].ours is not None
        for title in ("VCR-OC", "VCR-MCI"):
            cell = row.cells[by_title[title]]
            assert (cell.ours_text, cell.n, cell.of) == ("-", 0, 36)
        assert row.cells[-1].ours is None
    heads = [made.columns[by_title[title]].count_text for title in ("VQA", "VCR-OC", "Avg")]
    assert heads == ["n = 16 of 24", "n = 0 of 36", ""]
    text = "\n".join(notes(made))
    assert "VQA: 16 of 24 questions are asked: 4 of 12 photographs are not in" in text
    assert "VCR-OC: none of 36 questions are asked: 12 of 12 photographs are not in vcr/vcr1images." in text
    assert text.count("VCR-OC: none of 36") == 1


def test_absent_question_files_are_named_and_ask_nothing(
    partial: Any, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(partial.root)
    made = report(partial)
    cells = dict(zip((column.title for column in made.columns), made.rows[0].cells, strict=True))
    assert {title: (cell.n, cell.of) for title, cell in cells.items() if title != "Avg"} == {
        "VQA": (0, 0),
        "COCO-Caption": (12, 12),
        "COCO-OC": (36, 36),
        "COCO-MCI": (0, 0),
        "VCR-OC": (0, 0),
        "VCR-MCI": (0, 0),
    }
    reason = "not in the data root: vqa/allennlp_vqav2_annotations.json"
    assert partial.metrics("clip/frozen/vicuna-7b/seed-0", "vqav2")["reason"] == reason
    assert cells["VQA"].reason == reason
    assert f"VQA: none of its questions are asked: {reason}." in notes(made)
    assert {line["reason"] for line in lines(partial) if line["task"] == "vqav2"} == {reason}


def test_absent_question_files_are_an_error_where_none_may_be_skipped(partial: Any) -> None:
    scale = partial.study.scale.model_copy(update={"missing_images": "error"})
    with pytest.raises(VistokError, match=r"annotations file not found: .*vqav2_annotations\.json"):
        ask(replace(partial.study, scale=scale), "vqav2")


def test_a_folder_without_any_question_is_refused(mini: Any, excerpt: Any, tmp_path: Path) -> None:
    scale = excerpt.study.scale.model_copy(update={"data_root": str(tmp_path)})
    with pytest.raises(
        VistokError, match=r"no question can be asked of what is in .*coco-oc: not in the data"
    ):
        ask_all(replace(excerpt.study, scale=scale), "gvt")
    assert all(asked.reason is None for asked in ask_all(mini.study, "gvt").values())


def test_small_scales_say_whose_models_answer(mini: Any, excerpt: Any, report: Report) -> None:
    assert "not the paper's models. Small models that this scale pretrains" in banner(report(mini).origin)
    assert "Small models of the scale `mini` answer questions about real photographs" in banner(
        report(excerpt).origin
    )
    origin = report(mini).origin
    assert banner(replace(origin, small=False)) == ""
    dev = banner(replace(origin, small=False, split="dev"))
    assert dev == "These questions are from the split `dev`, not from the test split."


def test_a_substitute_is_footnoted_wherever_its_row_stands(mini: Any, report: Report) -> None:
    made = report(mini)
    assert [row.mark for row in made.rows] == ["", "a", "", "", "a"]
    assert list(made.footnotes) == ["a"]
    text = footnote(made.footnotes["a"])
    assert "never released" in text and "stands in" in text
    assert text.endswith(
        "The scale `mini` needs no substitute: it pretrains its own tokenizer with the same supervision."
    )
    row = made.footnotes["a"]
    assert row.substitute
    elsewhere = replace(row, substitute=replace(row.substitute, scale=""))
    assert "needs no substitute" not in footnote(elsewhere)
    assert footnote(made.rows[0]) == ""


def test_one_command_makes_a_cell_again(mini: Any, excerpt: Any, report: Report) -> None:
    first = "deit/frozen/vicuna-7b/seed-0/vqav2/metrics.json"
    assert f"`snakemake results/mini/{first} --cores 2`" in "\n".join(notes(report(mini)))
    text = "\n".join(notes(report(excerpt)))
    assert f"`snakemake results/excerpt/{first} --cores 2 --config scale=excerpt`" in text
    assert "`data_root=FOLDER`" in text
    dev = load_study("excerpt")
    assert rebuild_command(replace(dev, split="dev"), "x") == (
        "snakemake x --cores 2 --config scale=excerpt split=dev"
    )
    runs = next(note for note in notes(report(mini)) if note.startswith("Runs,"))
    assert [run.path for run in mini.study.runs()] == runs.split("`")[1::2]


def test_missing_metrics_name_the_command_and_leave_no_table(mini: Any, here: Path) -> None:
    study = replace(mini.study, split="dev")
    with pytest.raises(VistokError, match=r"metrics not found: results/mini-dev/.*snakemake .* split=dev"):
        tabulate.run(study, "table-2")
    assert not (here / "paper_tables" / "mini-dev").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "coco-mci"}, "is of the task 'coco-mci'"),
        ({"run": "clip/frozen/vicuna-7b/seed-0"}, "and the run 'clip/frozen/vicuna-7b/seed-0'"),
        ({"answers": {}}, "is not the metrics of 'coco-oc': lacks 'released'"),
        ({"n": "many"}, "is not the metrics of 'coco-oc': Input should be a valid integer"),
    ],
)
def test_metrics_of_something_else_are_refused(
    mini: Any, report: Report, change: dict[str, Any], message: str
) -> None:
    run = mini.study.run("deit/frozen/vicuna-7b/seed-0")
    path = Paths(mini.study).metrics(run, "coco-oc")
    before = path.read_text()
    try:
        write_metrics(path, unsealed(path, json.loads(before)) | change)
        with pytest.raises(VistokError, match=message):
            report(mini)
    finally:
        path.write_text(before)


def test_rows_and_labels_that_the_paper_has_not_are_refused(mini: Any, report: Report) -> None:
    with pytest.raises(
        VistokError, match=r"tables.yaml.*\['Colour'\] are not columns.*Legal: Tuning, Supervision"
    ):
        report(mini, labels={"Colour": None})
    wrong = Row(tokenizer="deit", recipe="frozen", llm="vicuna-7b", published=13)
    with pytest.raises(VistokError, match=r"row 13 of the paper's Table 2. Legal: 1..12"):
        report(mini, rows=(wrong,))
    with pytest.raises(
        VistokError, match=r"points to 'VQAv2', which is not a column of numbers .*Legal: VQA, "
    ):
        report(
            mini,
            columns=(Column(task="vqav2", published="VQAv2"),),
            rows=(mini.study.table("table-2").rows[0],),
        )


def test_another_table_of_the_paper_is_made_alike(mini: Any, report: Report) -> None:
    columns = tuple(
        Column(task=column.task, published="VQAv2" if column.published == "VQA" else column.published)
        for column in mini.study.table("table-2").columns
    )
    rows = (
        Row(tokenizer="clip", recipe="frozen", llm="vicuna-7b", published=1),
        Row(tokenizer="my-encoder", recipe="frozen", llm="vicuna-7b"),
    )
    labels = {"LLM": "llm.label", "Visual Tokenizer": "tokenizer.label"}
    made = report(mini, number=8, labels=labels, columns=columns, rows=rows)
    assert made.rows[0].labels == ("Flant5-xxl", "EVA-CLIP")
    assert made.rows[1].labels == ("Vicuna-7B", "My_Encoder <50% & #1|")
    assert made.rows[0].cells[-1].published_text == "53.9"


def test_a_row_may_be_measured_on_some_columns_and_say_why_not_on_others(mini: Any, report: Report) -> None:
    why = "its weights were trained on <these> captions"
    first, *others = mini.study.table("table-2").rows
    row = first.model_copy(update={"not_measured": {"coco-caption": why}})
    made = report(mini, rows=(row, *others))
    captions, average = made.rows[0].cells[1], made.rows[0].cells[-1]
    assert (captions.ours, captions.left_out, str(captions.published)) == (None, why, "65.8")
    assert (average.ours_text, made.rows[1].cells[-1].ours_text) == (
        "-",
        report(mini).rows[1].cells[-1].ours_text,
    )
    assert (
        r"→ -<br><sub>not measured: its weights were trained on \<these\> captions</sub> |"
        in render_table(made, "md")
    )
    assert "not measured: its weights were trained on &lt;these&gt; captions" in render_table(made, "html")
    assert r"trained on \textless{}these\textgreater{} captions" in render_table(made, "tex")
    line = next(
        csv.DictReader(line for line in render_table(made, "csv").splitlines()[0:3] if "coco-oc" not in line)
    )
    assert line["reason"] == ""


def test_a_column_of_our_own_is_headed_by_its_task_and_has_nothing_published(
    mini: Any, report: Report
) -> None:
    task = mini.study.task("coco-oc").model_copy(update={"label": "Counting"})
    ours = replace(mini, study=replace(mini.study, tasks={**mini.study.tasks, "coco-oc": task}))
    made = report(ours, columns=(Column(task="coco-oc"), Column(task="coco-mci", published="COCO-MCI")))
    assert [column.title for column in made.columns] == ["Counting", "COCO-MCI"]
    for row in made.rows:
        assert row.cells[0].ours is not None and row.cells[0].published is None
    assert any(row.cells[1].published is not None for row in made.rows)
    assert all("Counting" in render_table(made, suffix) for suffix in ("csv", "md", "tex", "html"))
    with pytest.raises(VistokError, match=r"has no `published` and would be headed 'COCO-OC'"):
        report(mini, columns=(Column(task="coco-oc"),))


def test_cells_are_held_to_the_published_ones_where_the_scale_says_so(mini: Any, report: Report) -> None:
    assert "‡" not in render_table(report(mini), "md") and "agrees" not in render_table(report(mini), "csv")
    ours = {
        row.subjects[0].tokenizer: row.cells[0].ours
        for row in report(mini).rows
        if row.subjects[0].recipe == "frozen"
    }
    published = {"deit": 48.3, "clip-20m": 48.2, "clip": 52.2}
    off = {name: abs(ours[name] - value) for name, value in published.items()}
    tolerance = sorted(off.values())[1] + 0.001
    scale = mini.study.scale.model_copy(update={"published_tolerance": {"vqav2": tolerance}})
    made = report(replace(mini, study=replace(mini.study, scale=scale)))
    judged = {
        row.subjects[0].tokenizer: row.cells[0].agrees
        for row in made.rows
        if row.subjects[0].recipe == "frozen"
    }
    assert judged == {"my-encoder": None} | {
        name: far <= sorted(off.values())[1] for name, far in off.items()
    }
    assert any(note.startswith("‡ marks") and "(2 of 4 cells)" in note for note in notes(made))
    assert render_table(made, "md").count("‡") == 1 + sum(row.cells[0].agrees is False for row in made.rows)
    assert "‡" in render_table(made, "html") and r"$\ddagger$" in render_table(made, "tex")
    lines = [*csv.DictReader(render_table(made, "csv").splitlines())]
    assert {line["agrees"] for line in lines if line["task"] != "vqav2"} == {""}
    assert [line["agrees"] for line in lines if line["task"] == "vqav2"].count("yes") == 2


def test_tables_need_no_torch() -> None:
    code = "import sys, vistok.steps.tabulate, vistok.steps.draw_curves; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_blind_prior_of_vqa_needs_both_files(mini: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mini.root)
    files = mini.study.task_files("vqav2").model_copy(update={"prior_questions": None})
    scale = mini.study.scale.model_copy(update={"tasks": {**mini.study.scale.tasks, "vqav2": files}})
    study = replace(mini.study, scale=scale)
    with pytest.raises(VistokError, match="'vqav2' names a `prior` without `prior_questions`"):
        fit_blind.blind_answers(study, study.task("vqav2"), ask(study, "vqav2"))


def test_blind_captions_are_fitted_on_other_images_where_there_is_no_training_split(
    excerpt: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(excerpt.root)
    questions = ask(excerpt.study, "coco-caption")
    said = fit_blind.blind_answers(excerpt.study, excerpt.study.task("coco-caption"), questions)["constant"]
    own = {str(record.image_id): record.captions for record in questions.references.records}
    others = {key: {text for other, texts in own.items() if other != key for text in texts} for key in own}
    assert said.keys() == own.keys()
    assert all(caption in others[key] for key, caption in said.items())
    assert len(set(said.values())) > 1


def test_what_the_audit_finds_stands_beside_the_published_numbers(
    mini: Any, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(mini.root)
    findings = table_findings(read_all_published(tabulate.PUBLISHED))
    made = assemble(mini.study, "table-2", read_published(tabulate.PUBLISHED, 2), findings)
    assert {column.title: column.audit for column in made.columns if column.audit} == {"COCO-OC": ("1", "2")}
    assert [note.finding.anchor for note in made.audit] == [
        "granularity-tables-2-3-coco-oc",
        "homogeneity-table-2-coco-oc",
    ]
    assert {cell.audit for row in made.rows for cell in row.cells} == {()}, (
        "the wrong average is of another row"
    )
    assert any("`snakemake paper_audit --cores 1`" in note for note in notes(made))
    assert report(mini).audit == ()


def test_a_finding_about_one_row_marks_its_cell(mini: Any, report: Report) -> None:
    made = report(mini)
    row_ids = ["row-1", "row-5", "row-6", None, "row-11"]
    facts = {"wrong": 0, "recomputed": 1}

    def finding(
        anchor: str, verdict: Verdict, table: int, columns: tuple[str, ...], row: str | None = None
    ) -> Finding:
        about = (PublishedCells(table, columns, row),)
        return Finding("averages", anchor, group="tables", verdict=verdict, facts=facts, about=about)

    findings = [
        finding("other-table", "wrong", 5, ("VQA",)),
        finding("right", "clean", 2, ("VQA",)),
        finding("other-row", "wrong", 2, ("VQA",), "row-2"),
        finding("average", "wrong", 2, ("Avg",), "row-5"),
        finding("column", "doubtful", 2, ("VQA", "X")),
    ]
    made = with_audit(made, row_ids, findings)
    assert [(note.mark, note.finding.anchor) for note in made.audit] == [("1", "average"), ("2", "column")]
    assert [column.audit for column in made.columns] == [("2",), (), (), (), (), (), ()]
    marked = [(index, cell.audit) for index, row in enumerate(made.rows) for cell in row.cells if cell.audit]
    assert marked == [(1, ("1",))] and made.rows[1].cells[-1].audit
    assert "60.9</ins><sup>" not in render_table(made, "md")
    assert "52.6<sup>1</sup> → " in render_table(made, "md") and "VQA<sup>2</sup><br>" in render_table(
        made, "md"
    )
    assert r"52.6\textsuperscript{1}" in render_table(made, "tex")
    lines = list(csv.DictReader(render_table(made, "csv").splitlines()))
    anchors = [line["audit"] for line in lines if line["column"] in ("VQA", "Avg")]
    assert anchors[:4] == ["column", "", "column", "average"]


def with_released(study: Study) -> Study:
    """Returns a study whose Table 2 ends with a released model."""
    table = study.table("table-2")
    rows = (*table.rows, ReleasedRow(model="blip-2"))
    return replace(study, tables={"table-2": table.model_copy(update={"rows": rows})})


def test_a_released_model_says_why_it_has_no_score_where_models_are_made(
    mini: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(mini.root)
    study = with_released(mini.study)
    row = assemble(study, "table-2", read_published(tabulate.PUBLISHED, 2)).rows[-1]
    assert row.labels == ("-", "-", "BLIP-2", "-")
    assert all(cell.ours is None for cell in row.cells)
    assert "this scale makes its own" in row.cells[0].left_out
    assert row.runs == ("released/blip-2",)
    assert row.seeds == ()


def test_floors_and_ceilings_stand_under_the_rows_without_a_rank(mini: Any) -> None:
    report = assemble(mini.study, "table-2", read_published(tabulate.PUBLISHED, 2))
    assert [row.runs[0].split("/seed")[0] for row in report.bounds] == [
        f"{name}/{recipe}/vicuna-7b" for name in ("untrained", "perfect") for recipe in ("frozen", "tuned")
    ]
    assert all(cell.ours_rank == 0 and cell.published is None for row in report.bounds for cell in row.cells)
    frozen, tuned = report.rows[0], report.rows[-1]
    for row, floor, ceiling in ((frozen, *report.bounds[::2]), (tuned, *report.bounds[1::2])):
        for cell, low, high in zip(row.cells, floor.cells, ceiling.cells, strict=True):
            assert cell.share and cell.share.value == pytest.approx(
                100 * (cell.ours - low.ours) / (high.ours - low.ours), abs=1e-4
            )
    assert any(cell.share and cell.share.low is not None for cell in frozen.cells)
    printed = [line for line in lines(mini) if line["run"] == frozen.runs[0]]
    assert [float(line["share"]) for line in printed] == [
        cell.share.value for cell in frozen.cells if cell.share
    ]


def test_a_scale_without_floors_has_no_shares(excerpt: Any) -> None:
    report = assemble(excerpt.study, "table-2", read_published(tabulate.PUBLISHED, 2))
    assert report.bounds == () and all(cell.share is None for row in report.rows for cell in row.cells)
    assert not any(name.startswith("share") for name in lines(excerpt)[0])


def test_a_measured_cause_stands_at_its_row_and_under_the_table(mini: Any, report: Report) -> None:
    deit = mini.study.tokenizer("deit").model_copy(update={"measured_cause": "it sees\n  light alone."})
    study = replace(mini.study, tokenizers={**mini.study.tokenizers, "deit": deit})
    made = report(replace(mini, study=study))
    assert [row.marks for row in made.rows if row.path == "deit/frozen/vicuna-7b"] == ["§"]
    assert "Measured cause: it sees light alone." in next(
        note for note in notes(made) if note.startswith("§")
    )
    assert not any("§" in row.marks for row in report(mini).rows)


def test_a_row_that_another_table_of_the_paper_prints_stands_beside_its_numbers(mini: Any) -> None:
    """Table 8 shows Vicuna's rows, which the paper prints in Table 6: here Table 3's row of CLIP in Table 4."""
    entry = mini.study.table("table-2")
    columns = tuple(
        column.model_copy(update={"published": "VQAv2" if column.published == "VQA" else column.published})
        for column in entry.columns
    )
    row = Row(tokenizer="clip", recipe="frozen", llm="vicuna-7b", published=1, published_in=3, seeds=(0, 1))
    table = entry.model_copy(
        update={"number": 4, "columns": columns, "rows": (row,), "labels": {"Method": "tokenizer.label"}}
        | {"named_by": "Method"}
    )
    study = replace(mini.study, tables={"table-2": table})
    made = assemble(study, "table-2", read_published(tabulate.PUBLISHED, 4))
    theirs = read_published(tabulate.PUBLISHED, 3)
    assert [cell.published for cell in made.rows[0].cells[:6]] == [
        theirs.printed(0, column.published) for column in columns
    ]
    assert made.rows[0].labels == (mini.study.tokenizer("clip").label,)
    beyond = table.model_copy(update={"rows": (row.model_copy(update={"published": 99}),)})
    with pytest.raises(VistokError, match="row 99 of the paper's Table 3"):
        assemble(replace(study, tables={"table-2": beyond}), "table-2", read_published(tabulate.PUBLISHED, 4))


def test_another_groups_model_says_what_is_otherwise_and_what_the_paper_does_not_print(mini: Any) -> None:
    """Table 5 prints no counting of Flamingo: here Table 2's CLIP in its place."""
    entry, frozen = mini.study.table("table-2"), mini.study.recipe("frozen")
    original = mini.study.recipe("flamingo").original
    frozen = frozen.model_copy(update={"otherwise": "It sees\n  drawn scenes", "original": original})
    columns = tuple(
        column.model_copy(update={"published": "VQAv2" if column.published == "VQA" else column.published})
        for column in entry.columns
    )
    row = Row(tokenizer="clip", recipe="frozen", llm="vicuna-7b", published=1, own_models=True, seeds=(0, 1))
    labels = {"labels": {"Model": "recipe.label", "#Vis. Tok. Size": None}, "named_by": "Model"}
    table = entry.model_copy(update={"number": 5, "columns": columns, "rows": (row,), **labels})
    recipes = {**mini.study.recipes, "frozen": frozen}
    scale = mini.study.scale.model_copy(update={"trains_others": True})
    study = replace(mini.study, tables={"table-2": table}, recipes=recipes, scale=scale)
    made = assemble(study, "table-2", read_published(tabulate.PUBLISHED, 5))
    text = footnote(made.rows[0])
    assert made.rows[0].marks == "a" and "Vicuna-7B instead of Chinchilla-7B. It sees drawn scenes." in text
    assert [bound.labels[0] for bound in made.bounds] == ["untrained: ×", "perfect: ×"]
    alone = next(note for note in notes(made) if "beside a dash" in note)
    assert alone.startswith("5 of our cells"), "four of counting and identification, and the average"
    for suffix in ("md", "html"):
        row_text = render_table(made, suffix).partition("untrained")[0]
        assert row_text.count("ours alone") == sum(cell.alone for cell in made.rows[0].cells) == 5
    whole = assemble_mini(mini)
    assert not any("beside a dash" in note for note in notes(whole))
    assert "ours alone" not in render_table(whole, "md"), "a row of the user's own is none of the paper's"


def assemble_mini(mini: Any) -> TableReport:
    return assemble(mini.study, "table-2", read_published(tabulate.PUBLISHED, 2))


def test_a_ceiling_that_a_row_is_beyond_chance_above_is_said_to_be_none(mini: Any) -> None:
    made = assemble_mini(mini)
    assert not any("is no ceiling there" in note for note in notes(made))
    cell = replace(made.rows[0].cells[0], share=Share(130.0, 104.0, 156.0))
    rows = (replace(made.rows[0], cells=(cell, *made.rows[0].cells[1:])), *made.rows[1:])
    (said,) = [note for note in notes(replace(made, rows=rows)) if "is no ceiling there" in note]
    assert said.startswith(f"Of {made.rows[0].labels[made.main_label]} some share")


def test_recipes_are_held_against_the_tables_base(mini: Any) -> None:
    """Three tokenizers have no second recipe here: a ranking of one row is told of none."""
    entry = mini.study.table("table-2").model_copy(update={"base": "frozen"})
    made = assemble(
        replace(mini.study, tables={"table-2": entry}), "table-2", read_published(tabulate.PUBLISHED, 2)
    )
    (tuned,) = rankings(made)
    assert (tuned.recipe, tuned.rows, {*tuned.columns}) == ("tuned", 1, {None})
    assert "Does the ranking survive the recipe" in render_table(made, "md")
    assert rankings(replace(made, base="")) == ()
