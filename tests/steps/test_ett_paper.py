"""ETT's tables at the paper scale, from official layouts to the pages, on small stand-ins, step by step in one process.

What the workflow adds is in `tests/planning/test_ett.py` and, as jobs, in its dry run here.
"""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from tests.official_inception import FILE
from tests.official_paper import lay_out_ett

from vistok.checkpoints import read_tensors
from vistok.datasets.geneval import KINDS
from vistok.evaluation.answer import detector
from vistok.grid.ett import EttPaths
from vistok.grid.ett_drawing import drawing_jobs
from vistok.grid.ett_files import ett_runs
from vistok.grid.ett_scale import suites_of
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.grid.steps import STEPS
from vistok.grid.study import Study
from vistok.planning.listed import write_list
from vistok.steps import (
    answer,
    answer_blind,
    fit_ett_blind,
    generate,
    lengthen_ibq,
    reconstruct,
    score_run,
    show_ett,
    teach_drawing,
    train_ibq,
    tune_mllm,
    write_shards,
)

PROMPTS = "geneval/evaluation_metadata.jsonl"
TUNED = "ibq/embedding-tuned/qwen-2-5/seed-0"


@pytest.fixture(scope="module")
def study(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    root = tmp_path_factory.mktemp("paper")
    shutil.copytree(repository / "workflow", root / "workflow")
    shutil.copytree(repository / "paper_tables/published", root / "paper_tables/published")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        lay_out_ett(root, data=root / "data", hub=root / "hub")
        return load_study("paper", data_root=str(root / "data"))


@pytest.fixture
def checkout(study: Study, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = Path(study.scale.data_root).parent
    monkeypatch.chdir(root)
    monkeypatch.setenv("HF_HUB_CACHE", str(root / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(root / "hub"))
    monkeypatch.setenv("VISTOK_DEVICE", "cpu")
    return root


def check_drawn(study: Study, checkout: Path) -> None:
    """Images lie as GenEval's tools lay them out, and what is missing of them is drawn again, the same."""
    folder = EttPaths(study).drawn / "ibq/embedding-tuned/guided"
    written = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.png")}
    assert sorted(written) == [f"{n:05}/samples/{k:04}.png" for n in range(12) for k in range(2)]
    lines = (checkout / "data" / PROMPTS).read_text().splitlines()
    assert json.loads((folder / "00003/metadata.jsonl").read_text()) == json.loads(lines[3])
    with Image.open(folder / "00003/samples/0001.png") as image:
        assert image.size == (32, 32)
    record = EttPaths(study).generation.read_bytes()
    rows = json.loads(record)["rows"]
    assert {*rows} == {
        "retrieval", "ibq-codes/index-frozen/guided", "ibq/embedding-frozen/guided", "ibq/embedding-tuned/guided",
        "ibq-longer/embedding-frozen/guided",
    }  # fmt: skip
    each = rows["ibq/embedding-tuned/guided"]["published"]
    assert each["mean"]["n"] == 12 and each["counting"]["n"] == 2 and each["mean"]["low"] is not None
    kinds = [each[kind]["value"] for kind in KINDS]
    assert each["mean"]["value"] == pytest.approx(sum(kinds) / 6, abs=1e-3)
    assert each["more"]["value"] == pytest.approx(
        each["mean"]["value"] - rows["retrieval"]["published"]["mean"]["value"], abs=1e-3
    )
    shutil.rmtree(folder / "00004")
    (EttPaths(study).drawn / "retrieval/made_from.json").write_text("{}")
    generate.run(study)
    again = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.png")}
    assert again == written and EttPaths(study).generation.read_bytes() == record


def test_released_files_become_the_tables(
    study: Study, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for image_set in study.scale.mixture:
        write_shards.run(study, image_set)
    train_ibq.run(study)
    lengthen_ibq.run(study)
    runs = ett_runs(study)
    for run in study.stages(runs):
        tune_mllm.run(study, run)
    for suite in suites_of(study):
        answer_blind.run(study, "qwen-2-5", suite)
        fit_ett_blind.run(study, suite)
        for run in runs:
            answer.run(study, run, suite)
            score_run.run(study, run, suite)
    for name in ("imagenet/val", FILE, PROMPTS):
        write_list(study, name)
    reconstruct.run(study)
    drawing = [study.run(path) for (path,) in drawing_jobs(study, runs)]
    for run in drawing:
        teach_drawing.run(study, run)
    monkeypatch.setattr(detector, "_SHORT", 64)
    generate.run(study)
    check_drawn(study, checkout)
    read = STEPS["show-ett"].inputs(study)
    assert [str(path) for path in read if not path.is_file()] == []
    show_ett.run(study)
    paths = EttPaths(study)
    assert paths.rendered
    table = paths.table("table-4", "md").read_text()
    assert "not measured" not in table and "of GenEval's own prompts and rule" in table
    assert "Qwen2.5-1.5B without the image" in table and "photographs, which the rows" not in table
    assert "No released weights: ETT's tokenizer of 131,072 codes was never released" in table
    cells = json.loads(paths.cells.read_text())
    measured = {entry["column"] for entry in cells if entry["value"] is not None}
    assert measured == {
        "SEED-I", "GQA", "TextVQA", "MME-P", "VQAv2", "COCO-Caption", "COCO-OC", "COCO-MCI",
        "ImageNet rFID", "GenEval",
    }  # fmt: skip
    shown = paths.table("reconstruction", "md").read_text()
    assert "6 photographs of imagenet/val" in shown and "declares nothing" not in shown
    drawn = paths.table("generation", "md").read_text()
    assert "which are not GenEval's own 553" in drawn and drawn.count("| published") == 5
    tuned = read_tensors(Paths(study).mllm(TUNED) / "model.safetensors")
    assert {name.partition(".")[0] for name in tuned} == {"connector", "llm", "tokenizer"}, (
        "LPIPS is in its own"
    )
    inputs = json.loads((Paths(study).mllm(TUNED) / "provenance.json").read_text())["inputs"]
    assert {"checkpoints/paper/ett/ibq", "checkpoints/paper/ett/perceptual"} <= {*inputs}
