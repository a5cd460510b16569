"""What all objectives promise: they learn, the right parameters, the same again, and go on bit for bit."""

import copy
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import timm
import torch
from tests.devices import left_behind

from vistok.errors import VistokError
from vistok.grid.fields import OBJECTIVES
from vistok.grid.kinds import kinds_in
from vistok.grid.recipes import Optimiser
from vistok.grid.tokenizers import Encoder
from vistok.grid.training_sizes import Pretraining
from vistok.supervision.base import Objective, Setup, batch_indices, make_objective
from vistok.supervision.data import PretrainingData
from vistok.tokenizers.base import build_tokenizer

KINDS = kinds_in(OBJECTIVES)
every_objective = pytest.mark.parametrize("name", [name for name in KINDS if name != "untrained"])


@pytest.fixture(autouse=True)
def deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


@every_objective
def test_the_loss_falls(name, make, trainer) -> None:
    losses = trainer(make(name)).run(0, 40)
    # A tenth of a nat below the start; MAE begins near 1, what predicting each patch's mean would give.
    assert np.mean(losses[-5:]) < np.mean(losses[:3]) - 0.1


@every_objective
def test_no_part_stays_where_it_was_built(name, make) -> None:
    """Targets, teachers and tables included; a copy, for other tests share what it is made from."""
    meta = torch.device("meta")
    assert left_behind(copy.deepcopy(make(name)).to(meta), meta) == []


@every_objective
def test_a_saved_state_goes_on_bit_for_bit(name, make, trainer) -> None:
    whole = trainer(make(name))
    whole.run(0, 6)
    first = trainer(make(name))
    first.run(0, 3)
    second = trainer(make(name))
    second.objective.load_state_dict(first.objective.state_dict())
    second.optimiser.load_state_dict(first.optimiser.state_dict())
    torch.manual_seed(99)  # resumed in a process whose own chance stands elsewhere
    second.run(3, 6)
    assert equal(second.objective.state_dict(), whole.objective.state_dict())


@every_objective
def test_a_batch_is_a_pure_function_of_seed_and_step(name, make, data) -> None:
    objective, other_seed = make(name), make(name, seed=1)
    objective.batch(data, 0)
    again = objective.batch(data, 3)
    assert equal(make(name).batch(data, 3), again)
    pixels = "images" if "images" in again else "global"
    assert not torch.equal(objective.batch(data, 4)[pixels], again[pixels])
    assert not torch.equal(other_seed.batch(data, 3)[pixels], again[pixels])


@every_objective
def test_the_same_seed_gives_the_same_weights_and_leaves_torch_alone(name, make) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first = make(name).state_dict()
    assert torch.equal(torch.rand(1), expected)
    assert equal(first, make(name).state_dict())
    if name != "region-clip":  # goes on from others in all its parts: none is drawn
        assert not equal(first, make(name, seed=1).state_dict())


@every_objective
def test_gradients_reach_students_and_never_teachers(name, make, data) -> None:
    objective: Objective = make(name)
    objective(objective.batch(data, 0), 0).backward()
    for parameter_name, parameter in objective.named_parameters():
        fixed = (name, parameter_name) == ("masked-pixels", "encoder.pos_embed")
        if parameter_name.startswith(("teacher", "proposer")) or fixed:
            assert not parameter.requires_grad
            assert parameter.grad is None
        else:
            assert parameter.grad is not None, parameter_name


@every_objective
def test_what_is_exported_is_the_grid_s_own_encoder(name, make, encoder: Encoder) -> None:
    exported = make(name).exported()
    plain = timm.create_model(encoder.name, num_classes=0, **encoder.arguments)
    plain.load_state_dict(exported.state_dict())
    images = torch.randn(2, 3, 24, 24)
    assert torch.allclose(plain.forward_features(images), exported.forward_features(images), atol=1e-5)


def test_teachers_are_what_self_distillation_exports(make, trainer) -> None:
    for name in ("dino", "dinov2"):
        objective = make(name)
        trainer(objective).run(0, 2)
        assert not equal(objective.exported().state_dict(), objective.encoder.state_dict())


def test_every_epoch_shows_each_image_once() -> None:
    seen = np.concatenate([batch_indices(10, 4, step, seed=3) for step in range(5)])
    epochs = [seen[:10], seen[10:]]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert not np.array_equal(*epochs)


def test_a_batch_may_be_larger_than_the_set() -> None:
    assert sorted(batch_indices(3, 7, 0, seed=0)[:6]) == [0, 0, 1, 1, 2, 2]


def test_batches_do_not_depend_on_what_was_asked_before() -> None:
    steps = [batch_indices(50, 8, step, seed=1) for step in (4, 0, 4)]
    assert np.array_equal(steps[0], steps[2])
    assert not any(np.array_equal(one, other) for one, other in pairwise(steps))


def _options(**options: float) -> Pretraining:
    return Pretraining(
        steps=1, batch=2, optimiser=Optimiser(learning_rate=1e-3, warmup_steps=0), options=options
    )


def test_an_unknown_objective_names_the_nearest(encoder, data) -> None:
    with pytest.raises(VistokError, match="Did you mean 'dinov2'"):
        make_objective("dino2", Setup(encoder, _options(), data, 0))


@every_objective
def test_an_unknown_option_is_refused(name, setup_of) -> None:
    with pytest.raises(VistokError, match="unknown pretraining option 'label_smothing'"):
        make_objective(name, setup_of(name, _options(label_smothing=0.1)))


@pytest.mark.parametrize(("name", "lacks"), [("supervised", "label"), ("contrastive", "text")])
def test_an_objective_says_what_its_images_lack(name, lacks, encoder, bare) -> None:
    with pytest.raises(
        VistokError, match=rf"the {name} objective needs a {lacks} for each image, and 24 of the 24"
    ):
        make_objective(name, Setup(encoder, _options(), bare, 0))


@every_objective
def test_images_may_be_read_again_each_time(name, make, shards) -> None:
    """A set that does not fit in memory is streamed, and gives the same batches."""
    objective = make(name)
    kept, streamed = PretrainingData(shards, 24), PretrainingData(shards, 24, cache_bytes=0)
    assert equal(objective.batch(kept, 2), objective.batch(streamed, 2))


def test_a_teacher_is_given_where_one_is_needed_and_nowhere_else(encoder, data, teacher) -> None:
    with pytest.raises(VistokError, match="the feature-distillation objective needs a teacher: name one"):
        make_objective("feature-distillation", Setup(encoder, _options(), data, 0))
    with pytest.raises(VistokError, match="the dino objective takes no teacher: leave out"):
        make_objective("dino", Setup(encoder, _options(), data, 0, teacher=teacher))


@every_objective
def test_a_base_is_what_the_encoder_starts_from(name, make, encoder: Encoder) -> None:
    torch.manual_seed(3)
    base = build_tokenizer(encoder)
    started = make(name, base=base)
    weights = base.trunk.state_dict()
    for module in (started.encoder, started.exported()):
        result = module.state_dict()
        assert all(torch.equal(result[part], tensor) for part, tensor in weights.items())
    assert not equal(started.encoder.state_dict(), make(name).encoder.state_dict())


def test_a_base_of_another_architecture_is_refused(make, teacher) -> None:
    with pytest.raises(VistokError, match="of another architecture"):
        make("dino", base=teacher)
