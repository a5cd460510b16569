"""A training is done once: if its checkpoint goes afterwards, the next start makes it from the last state."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from vistok.chain.checkpoints import IN_WORKFLOW, forget_state
from vistok.checkpoints import save_checkpoint
from vistok.errors import VistokError
from vistok.files import digest_file
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.grid.recipes import Optimiser
from vistok.headers import WEIGHTS
from vistok.locks import only_writer
from vistok.provenance import PROVENANCE, Stopwatch
from vistok.steps.training import training
from vistok.training.batches import Batch
from vistok.training.learner import Learner
from vistok.training.loop import Plan, train

PLAN = Plan(6, Optimiser(learning_rate=0.1, warmup_steps=1), save_every=100)


class Toy(Learner):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(3, 2)
        self.taken: list[int] = []

    def batch(self, step: int, process: int, processes: int) -> Batch:
        return {"inputs": torch.randn(2, 3, generator=torch.Generator().manual_seed(step))}

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return self.layer(batch["inputs"]).square().sum(), torch.tensor(2.0)

    def after_step(self, step: int) -> None:
        self.taken.append(step)


@pytest.fixture
def paths(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.chdir(tmp_path)
    return Paths(load_study("smoke", root=repository))


@pytest.fixture
def step(paths: Paths) -> Callable[[str], list[int]]:
    """A step as those of the study are; returns which of its training's steps were taken."""

    def run(decided_by: str = "a") -> list[int]:
        learner = Toy()
        with training(paths, paths.pretrained("deit/seed-0"), [decided_by]) as work:
            if work:
                train(learner, PLAN, state=work.state, identity=work.identity, name="toy")
                about = work.about(Stopwatch(), {"spec": decided_by})
                save_checkpoint(work.out, learner.state_dict(), {}, about)
        return learner.taken

    return run


def weights(paths: Paths) -> str:
    return digest_file(paths.pretrained("deit/seed-0") / WEIGHTS)


def test_finished_work_is_done_at_once(
    paths: Paths,
    step: Callable[..., list[int]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert step() == [*range(6)]
    before = (paths.pretrained("deit/seed-0") / PROVENANCE).read_bytes()
    assert paths.state(paths.pretrained("deit/seed-0")).is_dir()
    capsys.readouterr()
    assert step() == []
    assert (
        "checkpoints/smoke/tokenizers/deit/seed-0 is finished, complete and of this study"
        in capsys.readouterr().err
    )
    assert (paths.pretrained("deit/seed-0") / PROVENANCE).read_bytes() == before
    assert paths.state(paths.pretrained("deit/seed-0")).is_dir(), "by hand"
    monkeypatch.setenv(IN_WORKFLOW, "1")
    assert step() == []
    assert not paths.state(paths.pretrained("deit/seed-0")).exists()


def test_a_checkpoint_that_a_workflow_removes_is_made_again_without_a_step(
    paths: Paths, step: Callable[..., list[int]]
) -> None:
    """As after a log that could not be written, or a snakemake that was killed while its job went on."""
    assert step() == [*range(6)]
    made = weights(paths)
    shutil.rmtree(paths.pretrained("deit/seed-0"))
    assert step() == []
    assert weights(paths) == made


def test_a_checkpoint_that_rots_is_made_again(
    paths: Paths, step: Callable[..., list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(IN_WORKFLOW, "1")
    step()
    made = weights(paths)
    (paths.pretrained("deit/seed-0") / WEIGHTS).write_bytes(b"rotten")
    assert step() == []
    assert weights(paths) == made
    forget_state(paths, paths.pretrained("deit/seed-0"))
    (paths.pretrained("deit/seed-0") / WEIGHTS).write_bytes(b"rotten")
    assert step() == [*range(6)]
    assert weights(paths) == made


def test_other_work_is_not_taken_for_it(paths: Paths, step: Callable[..., list[int]]) -> None:
    step()
    assert step("b") == [*range(6)]
    assert step("b") == []


def test_a_second_writer_is_refused(paths: Paths, step: Callable[..., list[int]]) -> None:
    with (
        only_writer(paths.pretrained("deit/seed-0")),
        pytest.raises(VistokError, match="is writing checkpoints/smoke"),
    ):
        step()
    assert step() == [*range(6)]


def test_a_gpu_that_is_not_there_is_said_before_anything_is_loaded(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    refused = pytest.raises(VistokError, match=r"asks for 1 GPU\(s\)")
    with refused, training(paths, paths.pretrained("deit/seed-0"), ["a"], gpus=1):
        raise AssertionError("it went on")
