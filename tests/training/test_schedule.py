"""Warm-up, cosine, and which weights decay at which rate, against values worked out by hand."""

import pytest
import torch
from torch import nn

from vistok.grid.recipes import Optimiser
from vistok.training.schedule import make_optimiser, rate_at


def optimiser(**values: float) -> Optimiser:
    return Optimiser(**{"learning_rate": 1e-4, "warmup_steps": 4, "weight_decay": 0.05, **values})


def test_warm_up_is_linear_then_a_cosine_falls_to_nothing() -> None:
    rates = [rate_at(step, 12, optimiser()) for step in range(13)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    turns = [rates[step] for step in (4, 6, 8, 10, 12)]
    assert turns == pytest.approx([1, (2 + 2**0.5) / 4, 0.5, (2 - 2**0.5) / 4, 0], abs=1e-12)
    assert sorted(rates[3:], reverse=True) == rates[3:]


def test_the_paper_s_schedule() -> None:
    paper = optimiser(warmup_steps=2000)
    assert rate_at(0, 50_000, paper) == 1 / 2000
    assert rate_at(1999, 50_000, paper) == rate_at(2000, 50_000, paper) == 1
    assert rate_at(26_000, 50_000, paper) == pytest.approx(0.5)
    assert rate_at(49_999, 50_000, paper) == pytest.approx(0, abs=1e-8)


def test_the_end_can_be_a_share_of_the_rate() -> None:
    ends = optimiser(final_fraction=0.1)
    assert [rate_at(step, 12, ends) for step in (3, 4, 8, 12)] == pytest.approx([1, 1, 0.55, 0.1])


@pytest.mark.parametrize("steps", [1, 3, 4, 5])
def test_a_training_as_short_as_its_warm_up(steps: int) -> None:
    rates = [rate_at(step, steps, optimiser()) for step in range(steps)]
    assert all(0 < rate <= 1 for rate in rates)


def test_without_warm_up_the_first_step_is_whole() -> None:
    assert rate_at(0, 10, optimiser(warmup_steps=0)) == 1


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.eye = nn.Sequential(nn.Conv2d(3, 4, 2), nn.LayerNorm(4))
        self.ear = nn.Linear(4, 4)
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.scale = nn.Parameter(torch.ones(()))


def groups(module: nn.Module, rates: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Returns rate and decay of each parameter by its name."""

    def rate_of(name: str) -> float:
        return next((rate for start, rate in rates.items() if name.startswith(start)), 1.0)

    made = make_optimiser(module, optimiser(), rate_of)
    names = {parameter: name for name, parameter in module.named_parameters()}
    return {
        names[parameter]: (group["rate"], group["weight_decay"])
        for group in made.param_groups
        for parameter in group["params"]
    }


def test_vectors_do_not_decay_and_what_is_frozen_is_left_out() -> None:
    decay = {name: decay for name, (_, decay) in groups(Parts(), {}).items()}
    assert decay == {
        "eye.0.weight": 0.05,
        "eye.0.bias": 0.0,
        "eye.1.weight": 0.0,
        "eye.1.bias": 0.0,
        "ear.weight": 0.05,
        "ear.bias": 0.0,
        "scale": 0.0,
    }


def test_what_is_named_does_not_decay_either() -> None:
    made = make_optimiser(Parts(), optimiser(), lambda name: 1.0, {"weight"})
    assert {group["weight_decay"] for group in made.param_groups} == {0.0}


def test_a_rate_holds_for_all_names_that_start_so() -> None:
    rates = {name: rate for name, (rate, _) in groups(Parts(), {"eye.": 0.2, "ear.w": 0.5}).items()}
    assert {name for name, rate in rates.items() if rate == 0.2} == {
        "eye.0.weight", "eye.0.bias", "eye.1.weight", "eye.1.bias",
    }  # fmt: skip
    assert rates["ear.weight"] == 0.5
    assert rates["ear.bias"] == rates["scale"] == 1.0


def test_the_numbers_of_the_optimiser_arrive() -> None:
    wanted = Optimiser(learning_rate=3e-4, warmup_steps=1, betas=(0.8, 0.9), epsilon=1e-6, weight_decay=0.2)
    made = make_optimiser(nn.Linear(2, 2), wanted, lambda name: 1.0)
    assert isinstance(made, torch.optim.AdamW)
    for group in made.param_groups:
        assert (group["lr"], group["betas"], group["eps"]) == (3e-4, (0.8, 0.9), 1e-6)


def test_the_released_code_s_betas_and_decay_are_the_default() -> None:
    default = Optimiser(learning_rate=1e-4, warmup_steps=0)
    assert (default.betas, default.epsilon, default.weight_decay) == ((0.9, 0.98), 1e-8, 0.05)
