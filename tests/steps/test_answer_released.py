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
from vistok.grid.runs import Released
from vistok.grid.study import Study
from vistok.steps import answer, score_run
from vistok.steps.saved_answers import SavedAnswers

SUBJECT = Released(model="small")


@pytest.fixture
def study(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    torch.manual_seed(0)
    save_blip2(tmp_path / "weights")
    asked = load_study("excerpt", data_root=str(shared_data))
    model = entry(tmp_path / "weights").model_copy(update={"prompts": {"counting": "how many ? {question}"}})
    monkeypatch.chdir(tmp_path)
    return replace(asked, other_models=replace(asked.models, released={"small": model}))


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
