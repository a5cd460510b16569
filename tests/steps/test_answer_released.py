"""A released model answers a suite through the same steps as a run, in its own prompts."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from tests.mllm.released.test_image_text_to_text import entry, save_blip2

from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.grid.released_models import ReleasedDecoding
from vistok.grid.runs import Released
from vistok.grid.study import Study
from vistok.grid.tables import Column, ReleasedRow, Table
from vistok.pages.askings import askings_in_words
from vistok.pages.table import render_table
from vistok.published.tables import read_published
from vistok.steps import answer, fit_blind, score_run
from vistok.steps.saved_answers import SavedAnswers
from vistok.tables.askings import askings
from vistok.tables.assemble import assemble

SUBJECT = Released(model="small")
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def study(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    torch.manual_seed(0)
    save_blip2(tmp_path / "weights")
    asked = load_study("excerpt", data_root=str(shared_data))
    model = entry(tmp_path / "weights").model_copy(update={"prompts": {"counting": "how many ? {question}"}})
    monkeypatch.chdir(tmp_path)
    return replace(asked, other_models_study=replace(asked.models_study, released={"small": model}))


def test_a_released_model_answers_and_is_scored(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "SavedAnswers", partial(SavedAnswers, seconds=0))
    answer.run(study, SUBJECT, "gvt")
    saved = Paths(study).answers_under_way(SUBJECT, "gvt")
    assert saved.is_file(), "until it is scored, an answered suite can still be lost"
    score_run.run(study, SUBJECT, "gvt")
    assert [path.name for path in Path("state").iterdir()] == ["locks"], "nothing is left behind"
    folder = Paths(study).results / "released/small"
    lines = (folder / "coco-oc/predictions.jsonl").read_text().splitlines()
    assert all(json.loads(line)["prompt"].startswith("how many ? How many") for line in lines)
    official = json.loads((Path(study.scale.data_root) / "gvtbench/coco_oc.json").read_text())
    for line in map(json.loads, lines):
        row = official[line["id"]]
        assert (line["image"], line["truth"]) == (row["image_id"], [row["text_out"]])
    metrics = json.loads((folder / "coco-oc/metrics.json").read_text())
    assert metrics["run"] == "released/small"
    assert metrics["n"] == len(lines) > 0
    lines = (folder / "coco-mci/predictions.jsonl").read_text().splitlines()
    assert all(json.loads(line)["prompt"].startswith("Does ") for line in lines)


def test_a_page_shows_what_the_asking_changes_with_its_paired_interval(study: Study) -> None:
    """One stand-in under both protocols: other prompts and a temperature, and the tasks that are asked evenly."""
    own = study.models_study.released_model("small").model_copy(update={"prompts": {}})
    drawn = ReleasedDecoding(max_new_tokens=6, temperature=5.0)
    prompts = {"counting": "how many ? {question}", "caption": "what is in the image ?"}
    theirs = own.model_copy(
        update={"id": "small-as-asked", "label": "Small, as asked", "even": "small", "prompts": prompts}
    ).model_copy(update={"decoding": {"caption": drawn, "counting": drawn}})
    whole = study.models_study.scale.model_copy(update={"encoders": {}, "language_model": {}})
    released = {"small": own, "small-as-asked": theirs}
    table = Table(
        id="both",
        caption="One model, asked in two ways.",
        number=5,
        apart=True,
        labels={"Model": "model.label", "#Vis. Tok. Size": None},
        named_by="Model",
        columns=(
            Column(task="coco-caption", published="COCO-Caption"),
            Column(task="coco-oc", published="COCO-OC"),
        ),
        rows=(
            ReleasedRow(model="small-as-asked", published=5),
            ReleasedRow(model="small", published=5, instead={"coco-caption": "coco-caption-even"}),
        ),
    )
    models_study = replace(study.models_study, released=released, scale=whole)
    study = replace(
        study, other_models_study=models_study, released=released, tables={}, apart={"both": table}
    )
    for model in released:
        for suite in ("gvt", "even"):
            answer.run(study, Released(model=model), suite)
            score_run.run(study, Released(model=model), suite)
    for suite in ("gvt", "even"):
        fit_blind.run(study, suite)
    report = assemble(study, "both", read_published(REPOSITORY / "paper_tables/published", 5))
    (found,) = askings(report.rows, report.columns)
    for change, asked, even in zip(found.changes, report.rows[0].cells, report.rows[1].cells, strict=True):
        assert change and asked.ours is not None and even.ours is not None
        assert change.difference == pytest.approx(asked.ours - even.ours, abs=1e-6)
        assert change.low < change.difference < change.high
    assert report.rows[1].cells[0].n == report.rows[0].cells[0].n, "the same questions"
    said = [(Paths(study).results / f"released/{name}/predictions.jsonl") for name in
            ("small-as-asked/coco-caption", "small/coco-caption-even")]  # fmt: skip
    first, second = (json.loads(path.read_text().splitlines()[0]) for path in said)
    assert first["id"] == second["id"] and first["prompt"] != second["prompt"]
    for suffix in ("md", "html", "tex"):
        page = render_table(report, suffix)
        told = (
            askings_in_words(report)[0].changes[1].partition(" ")[0]
        )  # each format escapes the interval's brackets
        assert "asking changes" in page and told in page
