"""The floor: the very encoder that objectives start from, and no step."""

from pathlib import Path

import pytest
import torch

from vistok.errors import VistokError
from vistok.grid.load import load_study
from vistok.grid.recipes import Optimiser
from vistok.grid.tokenizers import Encoder
from vistok.grid.training_sizes import Pretraining
from vistok.supervision.base import Setup, make_objective
from vistok.supervision.data import PretrainingData
from vistok.supervision.learner import PretrainingLearner
from vistok.tokenizers.base import build_tokenizer
from vistok.tokenizers.weights import load_foreign
from vistok.training.loop import Plan, train

OPTIMISER = Optimiser(learning_rate=1e-3, warmup_steps=0)


def setup(encoder: Encoder, data: PretrainingData, *, steps: int, seed: int = 0) -> Setup:
    return Setup(encoder, Pretraining(steps=steps, batch=12, optimiser=OPTIMISER), data, seed)


def test_it_is_what_a_pretraining_starts_from(make, encoder: Encoder, data: PretrainingData) -> None:
    floor = make_objective("untrained", setup(encoder, data, steps=0)).exported().state_dict()
    start = make("supervised").encoder.state_dict()
    shared = floor.keys() & start.keys()
    assert {name for name in shared if name.startswith(("blocks.", "patch_embed.", "pos_embed"))}
    assert all(torch.equal(floor[name], start[name]) for name in shared)
    other = make_objective("untrained", setup(encoder, data, steps=0, seed=1)).exported().state_dict()
    assert not torch.equal(floor["blocks.0.mlp.fc1.weight"], other["blocks.0.mlp.fc1.weight"])


def test_a_pretraining_of_no_step_leaves_it_alone(encoder: Encoder, data: PretrainingData, tmp_path) -> None:
    objective = make_objective("untrained", setup(encoder, data, steps=0))
    before = {name: tensor.clone() for name, tensor in objective.state_dict().items()}
    learner, plan = PretrainingLearner(objective, data), Plan(0, OPTIMISER, save_every=50)
    assert train(learner, plan, state=tmp_path / "state", identity="floor", name="floor") == []
    assert all(torch.equal(before[name], tensor) for name, tensor in objective.state_dict().items())


def test_steps_are_refused(encoder: Encoder, data: PretrainingData) -> None:
    with pytest.raises(VistokError, match=r"takes no step, found steps: 7. Give it `steps: 0`"):
        make_objective("untrained", setup(encoder, data, steps=7))


@pytest.mark.parametrize("size", ["fd", "eva", "large"])
def test_every_encoder_of_the_mini_scale_has_a_floor(
    size: str, data: PretrainingData, repository: Path
) -> None:
    """Whatever positions it has: its patches are whitened, and its tokens are those that its entry says."""
    own = load_study("mini", root=repository).scale.encoders[size]
    objective = make_objective("untrained", setup(own, data, steps=0))
    again = make_objective("untrained", setup(own, data, steps=0))
    drawn = build_tokenizer(own).trunk.state_dict()
    floor = objective.exported().state_dict()
    assert all(torch.equal(floor[name], again.exported().state_dict()[name]) for name in floor)
    assert not torch.equal(floor["patch_embed.proj.weight"], drawn["patch_embed.proj.weight"])
    tokens = build_tokenizer(own)
    load_foreign(tokens, floor, Path("floor"))
    images = torch.rand(2, 3, own.image_size, own.image_size)
    assert tokens(images).shape == (2, own.tokens, own.width)
