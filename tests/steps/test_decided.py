"""Finished work is found before torch is: what decides it needs none."""

import subprocess
import sys
from pathlib import Path

import pytest

from vistok.chain.checkpoints import checkpoint_name
from vistok.errors import VistokError
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.provenance import proven_folder
from vistok.steps.decided import TRAININGS, decide_pretraining, is_done

CODE = """
import sys
from vistok.cli import main
status = main(["pretrain-tokenizer", "deit/seed-0", "--scale", "smoke"])
print(status, "torch" in sys.modules)
"""


@pytest.fixture
def study(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    (tmp_path / "workflow").symlink_to(repository / "workflow")
    monkeypatch.chdir(tmp_path)
    study = load_study("smoke")
    shards = Paths(study).shards(str(study.tokenizer("deit").image_set))
    shards.mkdir(parents=True)
    (shards / "piece").write_text("images")
    return study


def finish(study: Study, content: str = "weights") -> Path:
    what = decide_pretraining(study, study.pretrained("deit/seed-0"))
    about = {
        "name": checkpoint_name(Paths(study), what.out),
        "identity": what.identity,
        "inputs": {**what.inputs},
    }
    with proven_folder(what.out, about) as partial:
        (partial / "model.safetensors").write_text(content)
    return what.out


def test_finished_work_imports_no_torch(study: Study) -> None:
    finish(study)
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout == "0 False\n"
    assert "checkpoints/smoke/tokenizers/deit/seed-0 is finished, complete and of this study" in done.stderr


def test_work_is_finished_only_as_long_as_nothing_that_decides_it_changes(study: Study) -> None:
    wanted = study.pretrained("deit/seed-0")
    assert not is_done(study, "pretrain-tokenizer", wanted)
    out = finish(study)
    assert is_done(study, "pretrain-tokenizer", wanted)
    shards = Paths(study).shards(str(study.tokenizer("deit").image_set))
    (shards / "piece").write_text("other images")
    assert not is_done(study, "pretrain-tokenizer", wanted)
    (shards / "piece").write_text("images")
    (out / "model.safetensors").write_text("rotten")
    assert not is_done(study, "pretrain-tokenizer", wanted)


def test_every_training_says_what_decides_it_or_that_there_is_none(study: Study, repository: Path) -> None:
    paper = load_study("paper", root=repository)
    with pytest.raises(VistokError, match="as published: nothing to pretrain"):
        is_done(paper, "pretrain-tokenizer", paper.pretrained("clip/seed-0"))
    with pytest.raises(VistokError, match="as published: nothing to train"):
        is_done(paper, "train-llm", "vicuna-7b")
    assert {*TRAININGS} == {"pretrain-tokenizer", "train-llm", "tune-mllm"}
