"""`vistok verify` reads everything that was built, and names what is not as it was written."""

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vistok.cli import main
from vistok.errors import VistokError
from vistok.files import digest_value
from vistok.grid.paths import Paths
from vistok.grid.recipes import Optimiser
from vistok.grid.specs import tokenizer_spec
from vistok.grid.study import Study
from vistok.planning.verify import check_stage, verify
from vistok.provenance import proven_folder
from vistok.training.batches import Batch
from vistok.training.learner import Learner
from vistok.training.schedule import make_optimiser
from vistok.training.state import TrainingState

RUN = "deit/frozen/vicuna-7b/seed-0"


class Small(Learner):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def batch(self, step: int, process: int, processes: int) -> Batch:
        return {"inputs": torch.ones(1, 3)}

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return self.layer(batch["inputs"]).sum(), torch.tensor(1.0)


@pytest.fixture
def study(mini: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A copy of a scored study, with a tokenizer's checkpoint and a state of a training under way."""
    shutil.copytree(mini.root, tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")
    result: Study = mini.study
    paths = Paths(result)
    about = {
        "name": "tokenizers/clip/seed-0",
        "identity": "a",
        "inputs": {"spec": digest_value(tokenizer_spec(result, result.pretrained("clip/seed-0")))},
    }
    with proven_folder(paths.pretrained("clip/seed-0"), about) as partial:
        (partial / "model.safetensors").write_text("weights")
    drawer = {"name": "ett/drawers/a", "identity": "b", "inputs": {}}
    with proven_folder(paths.ett_model("drawers/a"), drawer) as partial:
        (partial / "model.safetensors").write_text("weights")
    learner = Small()
    optimiser = make_optimiser(learner, Optimiser(learning_rate=0.1, warmup_steps=0), learner.rate)
    TrainingState(paths.state(paths.pretrained("dino/seed-0")), "a").save(3, learner, optimiser, [])
    return result


def wrong(study: Study) -> list[str]:
    return [line.check for line in verify(study) if line.verdict == "FAIL"]


def test_what_was_built_is_read_and_believed(study: Study) -> None:
    lines = {line.check: line.verdict for line in verify(study)}
    assert lines["checkpoints/mini/tokenizers/clip/seed-0"] == "ok"
    assert lines["checkpoints/mini/ett/drawers/a"] == "ok"
    assert lines["state/mini/tokenizers/dino/seed-0/state.safetensors"] == "ok"
    assert lines[f"results/mini/{RUN}/coco-oc/metrics.json"] == "ok"
    assert lines["results/mini/blind/coco-oc/metrics.json"] == "ok"
    assert lines["results/mini/blind/coco-oc/vicuna-7b/predictions.jsonl"] == "ok"
    assert "FAIL" not in lines.values()


FILES = {
    "checkpoints/mini/tokenizers/clip/seed-0/model.safetensors": "checkpoints/mini/tokenizers/clip/seed-0",
    "checkpoints/mini/ett/drawers/a/model.safetensors": "checkpoints/mini/ett/drawers/a",
    "state/mini/tokenizers/dino/seed-0/state.safetensors": "state/mini/tokenizers/dino/seed-0/state.safetensors",
    f"results/mini/{RUN}/coco-oc/metrics.json": f"results/mini/{RUN}/coco-oc/metrics.json",
    f"results/mini/{RUN}/coco-oc/predictions.jsonl": f"results/mini/{RUN}/coco-oc/metrics.json",
    "results/mini/blind/coco-oc/metrics.json": "results/mini/blind/coco-oc/metrics.json",
}


def test_a_flipped_bit_anywhere_is_named(study: Study) -> None:
    rng = random.Random(3)
    for name in FILES:
        file = Path(name)
        whole = bytearray(file.read_bytes())
        whole[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        file.write_bytes(whole)
    assert set(wrong(study)) == set(FILES.values())


def test_answers_that_nobody_scored_are_read_too(study: Study) -> None:
    Path(f"results/mini/{RUN}/coco-oc/metrics.json").unlink()
    answers = Path(f"results/mini/{RUN}/coco-oc/predictions.jsonl")
    assert wrong(study) == []
    answers.write_text(answers.read_text().replace("answer", "antwort", 1))
    assert wrong(study) == [str(answers)]


def test_it_changes_nothing(study: Study) -> None:
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    assert list(verify(study))
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before


def test_the_verb_says_how_many_and_fails(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path(f"results/mini/{RUN}/coco-oc/metrics.json")
    report = json.loads(file.read_text())
    file.write_text(json.dumps(report | {"n": 1}))
    assert main(["verify"]) == 1
    out = capsys.readouterr().out
    assert f"FAIL  {file}" in out
    assert out.splitlines()[-1].endswith("cannot be trusted: see FAIL above.")


@pytest.mark.parametrize("stage", [f"run@{RUN}", "blind", "tokenizer@clip", "ett@tables"])
def test_what_cannot_be_trusted_is_not_recorded(study: Study, stage: str) -> None:
    for name in FILES:
        Path(name).write_bytes(b"{}")
    with pytest.raises(VistokError):
        check_stage(study, stage)


def test_a_table_rests_on_what_is_checked_elsewhere(study: Study) -> None:
    check_stage(study, "table@table-2")
    check_stage(study, "blind")
