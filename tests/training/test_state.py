"""The saved state of a training: whole, of one identity, and ignored where it is neither."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from vistok.grid.recipes import Optimiser
from vistok.training.learner import Learner
from vistok.training.schedule import make_optimiser
from vistok.training.state import TrainingState

CURVES = [{"step": 3, "loss": 0.25, "rate": 0.01}]


@pytest.fixture
def trained(
    make_learner: Callable[..., Learner], optimiser: Optimiser
) -> tuple[Learner, torch.optim.Optimizer]:
    """A learner three steps on."""
    learner = make_learner()
    made = make_optimiser(learner, optimiser, learner.rate)
    for step in range(3):
        made.zero_grad()
        learner(learner.batch(step, 0, 1))[0].backward()
        made.step()
        learner.after_step(step)
    return learner, made


@pytest.fixture
def fresh(
    make_learner: Callable[..., Learner], optimiser: Optimiser
) -> tuple[Learner, torch.optim.Optimizer]:
    """The same learner with other weights, untrained, but for what is frozen."""
    learner = make_learner(seed=1)
    learner.backbone.load_state_dict(make_learner().backbone.state_dict())
    return learner, make_optimiser(learner, optimiser, learner.rate)


def flat(made: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    state = made.state_dict()["state"]
    return {f"{place}.{name}": value for place, moments in state.items() for name, value in moments.items()}


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_everything_comes_back(trained, fresh, state: Path) -> None:
    TrainingState(state, "a").save(3, *trained, CURVES)
    drawn = torch.get_rng_state()
    torch.manual_seed(99)
    assert not equal(fresh[0].student.state_dict(), trained[0].student.state_dict())
    assert TrainingState(state, "a").restore(*fresh) == (3, CURVES)
    assert torch.equal(torch.get_rng_state(), drawn)
    for part in ("student", "teacher"):
        assert equal(getattr(fresh[0], part).state_dict(), getattr(trained[0], part).state_dict())
    assert flat(trained[1]) and equal(flat(fresh[1]), flat(trained[1]))


def test_what_is_frozen_is_not_saved(trained, fresh, state: Path) -> None:
    saved = TrainingState(state, "a")
    saved.save(3, *trained, [])
    with safe_open(saved.file, "pt") as file:
        names = set(file.keys())
    assert not any(name.startswith("module.backbone.") for name in names)
    assert "module.student.1.running_mean" in names and "module.teacher.weight" in names
    backbone = {name: tensor.clone() for name, tensor in fresh[0].backbone.state_dict().items()}
    saved.restore(*fresh)
    assert equal(fresh[0].backbone.state_dict(), backbone)


def test_groups_keep_what_the_present_recipe_says(trained, fresh, state: Path) -> None:
    TrainingState(state, "a").save(3, *trained, [])
    for group in fresh[1].param_groups:
        group["weight_decay"] = 0.7
    TrainingState(state, "a").restore(*fresh)
    assert {group["weight_decay"] for group in fresh[1].param_groups} == {0.7}
    assert {group["rate"] for group in fresh[1].param_groups} == {0.5, 1.0, 2.0}


def test_nothing_saved_is_a_start(fresh, state: Path) -> None:
    assert TrainingState(state, "a").restore(*fresh) == (0, [])


def test_a_state_of_another_identity_is_not_used(trained, fresh, state: Path) -> None:
    TrainingState(state, "a").save(3, *trained, CURVES)
    before = {name: tensor.clone() for name, tensor in fresh[0].state_dict().items()}
    torch.manual_seed(5)
    drawn = torch.get_rng_state()
    assert TrainingState(state, "b").restore(*fresh) == (0, [])
    assert equal(fresh[0].state_dict(), before) and not flat(fresh[1])
    assert torch.equal(torch.get_rng_state(), drawn)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 100, 5000, -1])
def test_a_truncated_state_is_not_used(trained, fresh, state: Path, length: int) -> None:
    saved = TrainingState(state, "a")
    saved.save(3, *trained, CURVES)
    content = saved.file.read_bytes()
    assert len(content) > 5000
    saved.file.write_bytes(content[:length])
    before = {name: tensor.clone() for name, tensor in fresh[0].state_dict().items()}
    assert saved.restore(*fresh) == (0, [])
    assert equal(fresh[0].state_dict(), before)


@pytest.mark.parametrize("content", [b"no state at all" * 30, b"\x02\x00\x00\x00\x00\x00\x00\x00{}"])
def test_another_file_in_its_place_is_not_used(fresh, state: Path, content: bytes) -> None:
    saved = TrainingState(state, "a")
    state.mkdir()
    saved.file.write_bytes(content)
    assert saved.restore(*fresh) == (0, [])


def test_a_half_written_file_beside_it_does_no_harm(trained, fresh, state: Path) -> None:
    saved = TrainingState(state, "a")
    saved.save(3, *trained, CURVES)
    (state / ".state.safetensors.killed").write_bytes(saved.file.read_bytes()[:1000])
    assert saved.restore(*fresh) == (3, CURVES)
    saved.forget()
    assert not state.exists()
    saved.forget()


def test_a_save_that_fails_leaves_the_last_one(trained, fresh, state: Path) -> None:
    saved = TrainingState(state, "a")
    saved.save(3, *trained, CURVES)
    with pytest.raises(TypeError):
        saved.save(4, *trained, [{"step": object()}])  # type: ignore[dict-item]
    assert saved.restore(*fresh) == (3, CURVES)
    assert [path.name for path in state.iterdir()] == ["state.safetensors"]


@pytest.mark.parametrize("seed", range(60))
def test_a_flipped_bit_is_noticed_and_said(
    trained, fresh, state: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = TrainingState(state, "a")
    saved.save(3, *trained, CURVES)
    whole = bytearray(saved.file.read_bytes())
    place = random.Random(seed).randrange(8 * len(whole))
    whole[place // 8] ^= 1 << place % 8
    saved.file.write_bytes(whole)
    assert saved.restore(*fresh) == (0, [])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{saved.file} is not used, and the training starts from step 0: ")


@pytest.mark.parametrize("start", [0.3, 0.6])
def test_lost_pages_are_noticed(trained, fresh, state: Path, start: float) -> None:
    saved = TrainingState(state, "a")
    saved.save(3, *trained, CURVES)
    content = saved.file.read_bytes()
    first = int(len(content) * start)
    saved.file.write_bytes(content[:first] + bytes(len(content) // 3) + content[first + len(content) // 3 :])
    before = {name: tensor.clone() for name, tensor in fresh[0].state_dict().items()}
    assert saved.restore(*fresh) == (0, [])
    assert equal(fresh[0].state_dict(), before)


@pytest.mark.parametrize("change", [{"step": "abc"}, {"curves": "["}, {"step": None}, {"identity": "b"}])
def test_another_header_is_not_used(trained, fresh, state: Path, change: dict[str, str | None]) -> None:
    saved = TrainingState(state, "a")
    saved.save(3, *trained, CURVES)
    with safe_open(saved.file, "pt") as file:
        about = file.metadata() | change
    save_file(load_file(saved.file), saved.file, metadata={key: text for key, text in about.items() if text})
    assert saved.restore(*fresh) == (0, [])


def test_a_state_without_its_random_numbers_is_not_used(trained, fresh, state: Path) -> None:
    saved = TrainingState(state, "a")
    saved.save(3, *trained, CURVES)
    with safe_open(saved.file, "pt") as file:
        about = file.metadata()
    tensors = load_file(saved.file)
    del tensors["random"]
    save_file(tensors, saved.file, metadata=about)
    assert saved.restore(*fresh) == (0, [])


def test_a_state_beside_other_frozen_parts_is_not_used(
    trained, fresh, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    TrainingState(state, "a").save(3, *trained, CURVES)
    assert TrainingState(state, "a").restore(*fresh)[0] == 3
    with torch.no_grad():
        fresh[0].backbone.bias[0] += 1
    assert TrainingState(state, "a").restore(*fresh) == (0, [])
    assert "its frozen parts differ from those that it was trained with" in capsys.readouterr().err
