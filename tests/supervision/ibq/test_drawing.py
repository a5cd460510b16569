"""A model learns to draw: what a batch is, what moves, and that a stopped training ends with the same weights."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.small_drawer import small_drawer

from vistok.errors import VistokError
from vistok.grid.ett_generation import DrawerSize, DrawingTraining
from vistok.grid.recipes import Optimiser
from vistok.supervision.ibq.drawing import DrawingLearner
from vistok.training.loop import Plan, train

CAPTIONS = (("a red ring", "a ring on sand"), ("two blue stars",), ("a star and a ring", "a star"))
SIZE = DrawingTraining(
    drawer=DrawerSize(side=2, hidden=24),
    steps=8,
    batch=6,
    optimiser=Optimiser(learning_rate=1e-2, warmup_steps=1),
    untold=0.5,
)


@pytest.fixture
def make() -> Callable[[], DrawingLearner]:
    codes = torch.randint(0, 16, (3, 4, 4), generator=torch.Generator().manual_seed(0))
    return lambda: DrawingLearner(small_drawer(), codes, CAPTIONS, SIZE, seed=0)


def test_a_batch_is_a_function_of_its_step_and_is_shared_out_whole(
    make: Callable[[], DrawingLearner],
) -> None:
    learner = make()
    whole, again = learner.batch(3, 0, 1), learner.batch(3, 0, 1)
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    shares = [learner.batch(3, process, 2) for process in range(2)]
    assert torch.equal(torch.stack([share["codes"] for share in shares], 1).flatten(0, 1), whole["codes"])
    words = learner.drawer.words([""]).ids.shape[1]
    lengths = torch.cat([learner.batch(step, 0, 1)["mask"].sum(1) for step in range(20)])
    assert 0.3 < (lengths == words).float().mean() < 0.7, "about half of the captions are left out"


def test_the_loss_is_the_mean_over_codes(make: Callable[[], DrawingLearner]) -> None:
    learner = make()
    total, weight = learner(learner.batch(0, 0, 1))
    assert weight == 6 * 16 and 1 < total / weight < 8


def test_a_batch_that_is_cut_has_the_same_loss(make: Callable[[], DrawingLearner]) -> None:
    learner = make()
    batch = learner.batch(0, 0, 1)
    parts = learner.cut(batch, 2 * 16 + 2 * batch["mask"].shape[1])
    assert [len(part["codes"]) for part in parts] == [2, 2, 2], (
        "an image counts as many positions as it has codes"
    )
    total, weight = learner(batch)
    each = [learner(part) for part in parts]
    assert sum(part[1] for part in each) == weight
    assert sum(part[0].item() for part in each) == pytest.approx(total.item(), rel=1e-5)


def test_all_but_the_tokenizer_learns(make: Callable[[], DrawingLearner], tmp_path: Path) -> None:
    learner = make()
    before = {name: tensor.clone() for name, tensor in learner.state_dict().items()}
    curves = train(learner, Plan(8, SIZE.optimiser, 100, 1), state=tmp_path, identity="one", name="drawer")
    after = learner.state_dict()
    stayed = {name for name in before if torch.equal(before[name], after[name])}
    assert stayed == {name for name in before if name.startswith("drawer.model.tokenizer.")}
    assert curves[-1]["loss"] < curves[0]["loss"]


def test_one_that_was_stopped_ends_with_the_same_weights(
    make: Callable[[], DrawingLearner], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, whole, stopped, again = Plan(6, SIZE.optimiser, save_every=100), make(), make(), make()
    train(whole, plan, state=tmp_path / "whole", identity="one", name="drawer")
    monkeypatch.setattr(
        stopped, "after_step", lambda step: signal.raise_signal(signal.SIGTERM) if step == 2 else None
    )
    with pytest.raises(VistokError, match="stopped at step 3"):
        train(stopped, plan, state=tmp_path / "parts", identity="one", name="drawer")
    train(again, plan, state=tmp_path / "parts", identity="one", name="drawer")
    for name, tensor in whole.trained_tensors().items():
        assert torch.equal(tensor, again.trained_tensors()[name]), name
