"""A new objective is its file and two entries of the grid: nothing else is touched."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import vistok
from vistok.grid.entries import GRID, SCALES
from vistok.grid.fields import OBJECTIVES

# Learns the mean of a teacher's tokens, whatever the student sees of an image.
MEAN_FEATURES = """
from torch.nn import functional

from vistok.supervision import augment
from vistok.supervision.base import Objective
from vistok.supervision.encoder import embed, encode


class MeanFeatures(Objective):
    defaults = {}
    needs_teacher = True
    shares_batches = True

    def __init__(self, setup):
        super().__init__(setup)
        self.teacher = setup.teacher.requires_grad_(False).eval()

    def views(self, images, examples, draws):
        return {"images": augment.normalise(images, self.normalisation)}

    def loss(self, batch, step):
        student = encode(self.encoder, embed(self.encoder, batch["images"])).mean(1)
        return functional.mse_loss(student, self.teacher(batch["images"]).mean(1))


build = MeanFeatures
"""
# Trains one step of it, as the step of the workflow would.
CHECK = """
import sys
from pathlib import Path

import vistok
from vistok.datasets.shards import Shards
from vistok.grid.load import load_study
from vistok.grid.steps import STEPS
from vistok.supervision.base import Setup, make_objective
from vistok.supervision.data import PretrainingData
from vistok.tokenizers.base import build_tokenizer

assert Path(vistok.__file__).is_relative_to(Path.cwd())
study = load_study("smoke")
encoder = study.encoder("mine")
data = PretrainingData(Shards(Path(sys.argv[1])), encoder.image_size)
pretraining = study.scale.pretraining["mean-features"]
objective = make_objective("mean-features", Setup(encoder, pretraining, data, 0, None, build_tokenizer(encoder)))
objective(objective.batch(data, 0), 0).backward()
run = study.run("mine/frozen/vicuna-7b/seed-0")
print([ids for ids in STEPS["pretrain-tokenizer"].jobs(study, [run])])
print(STEPS["pretrain-tokenizer"].modules(study, "mine/seed-0")[0])
"""


@pytest.fixture
def checkout(repository: Path, tmp_path: Path) -> Path:
    """A copy of the package and its grid, with the objective and a tokenizer that is made under it."""
    package = tmp_path / "src/vistok"
    shutil.copytree(Path(vistok.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in (GRID, SCALES):
        shutil.copytree(repository / folder, tmp_path / folder)
    (package / OBJECTIVES / "mean_features.py").write_text(MEAN_FEATURES)
    tokenizers, mini = tmp_path / GRID / "tokenizers.yaml", tmp_path / SCALES / "mini.yaml"
    entries, scale = yaml.safe_load(tokenizers.read_text()), yaml.safe_load(mini.read_text())
    entries["mine"] = {**entries["fd"], "label": "Mine", "objective": "mean-features", "size": "base"}
    scale["pretraining"]["mean-features"] = {**scale["pretraining"]["feature-distillation"], "options": {}}
    tokenizers.write_text(yaml.safe_dump(entries))
    mini.write_text(yaml.safe_dump(scale))
    return tmp_path


def test_an_objective_with_a_teacher_is_one_file_and_two_entries(checkout: Path, shards) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHECK, str(shards.path)],
        cwd=checkout,
        env={"PYTHONPATH": str(checkout / "src"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "[('clip/seed-0',), ('mine/seed-0',)]",
        "vistok.supervision.objectives.mean_features",
    ]
