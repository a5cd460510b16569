"""Muon against PyTorch's own, and what is left to AdamW."""

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from vistok.grid.recipes import Muon, Optimiser
from vistok.training.schedule import make_optimiser

WITH_MUON = Optimiser(
    learning_rate=1e-3, warmup_steps=0, weight_decay=0.1, muon=Muon(learning_rate=0.02, momentum=0.9)
)


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words = nn.Embedding(6, 8)
        self.latents = nn.Parameter(torch.randn(6, 8))
        self.conv = nn.Conv2d(3, 8, 2)
        self.wide, self.tall = nn.Linear(8, 32), nn.Linear(32, 8)
        self.idle = nn.Linear(8, 8)  # no loss reaches it
        self.head = nn.Linear(8, 6, bias=False)  # of language models: its weight is the embedding's
        self.head.weight = self.words.weight
        self.frozen = nn.Linear(8, 8).requires_grad_(False)

    def forward(self, ids: Tensor, image: Tensor) -> Tensor:
        seen = self.words(ids) + self.latents + self.conv(image).mean((0, 2, 3))
        moved: Tensor = self.tall(self.wide(self.frozen(seen)).tanh()).square().sum()
        return moved


def trained(optimiser: torch.optim.Optimizer, module: nn.Module, steps: int = 8) -> dict[str, Tensor]:
    torch.manual_seed(1)
    for _ in range(steps):
        optimiser.zero_grad()
        module(torch.randint(6, (6,)), torch.randn(2, 3, 5, 5)).backward()
        optimiser.step()
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def test_it_takes_the_weights_of_linear_layers_and_no_others() -> None:
    module = Parts()
    made = make_optimiser(module, WITH_MUON, lambda name: 0.5 if name.startswith("wide") else 1.0)
    names = {parameter: name for name, parameter in module.named_parameters()}
    rates = {
        names[parameter]: group["rate"]
        for group in made.param_groups
        for parameter in group["params"]
        if "momentum" in group
    }
    assert rates == {"wide.weight": 10.0, "tall.weight": 20.0, "idle.weight": 20.0}  # of AdamW's rate


def test_matrices_step_as_pytorch_s_own_would_have_them() -> None:
    """PyTorch computes the same in bf16, whose error grows from step to step."""
    torch.manual_seed(2)
    ours, theirs = nn.Linear(32, 8, bias=False), nn.Linear(32, 8, bias=False)
    theirs.load_state_dict(ours.state_dict())
    start = ours.weight.detach().clone()
    made = make_optimiser(ours, WITH_MUON, lambda name: 1.0)
    made.param_groups[0]["lr"] *= made.param_groups[0]["rate"]
    own = torch.optim.Muon(
        theirs.parameters(), lr=0.02, momentum=0.9, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"
    )
    for _ in range(8):
        ours.weight.grad = torch.randn(8, 32)
        theirs.weight.grad = ours.weight.grad.clone()
        made.step()
        own.step()
    assert (ours.weight - theirs.weight).norm() < 0.02 * (theirs.weight - start).norm()


def test_matrices_of_one_shape_step_as_each_would_alone() -> None:
    torch.manual_seed(4)
    layers = [nn.Linear(8, 32, bias=False), nn.Linear(8, 32, bias=False)]
    alone = [deepcopy(layer) for layer in layers]
    together = make_optimiser(nn.ModuleList(layers), WITH_MUON, lambda name: 1.0)
    each = [make_optimiser(layer, WITH_MUON, lambda name: 1.0) for layer in alone]
    for _ in range(3):
        for size, layer, other in zip((1.0, 1e-3), layers, alone, strict=True):
            layer.weight.grad = size * torch.randn(32, 8)
            other.weight.grad = layer.weight.grad.clone()
        for optimiser in (together, *each):
            optimiser.step()
    assert all(
        torch.allclose(layer.weight, other.weight, atol=1e-6)
        for layer, other in zip(layers, alone, strict=True)
    )


def test_all_others_step_as_with_adamw_alone() -> None:
    with_muon, alone = Parts(), Parts()
    for module in (with_muon, alone):
        module.wide.requires_grad_(False)
        module.tall.requires_grad_(False)
    moved = trained(make_optimiser(with_muon, WITH_MUON, lambda name: 1.0), with_muon)
    without = WITH_MUON.model_copy(update={"muon": None})
    expected = trained(make_optimiser(alone, without, lambda name: 1.0), alone)
    assert all(torch.equal(moved[name], expected[name]) for name in moved)
    assert not torch.equal(moved["latents"], Parts().latents)


def test_a_matrix_without_a_gradient_stays() -> None:
    module = Parts()
    moved = trained(make_optimiser(module, WITH_MUON, lambda name: 1.0), module)
    assert torch.equal(moved["idle.weight"], Parts().idle.weight)


@pytest.mark.parametrize("shape", [(8, 32), (32, 8), (16, 16)])
def test_all_directions_of_a_step_are_about_as_long(shape: tuple[int, int]) -> None:
    torch.manual_seed(3)
    layer = nn.Linear(*shape, bias=False)
    made = make_optimiser(layer, WITH_MUON, lambda name: 1.0)
    before = layer.weight.detach().clone()
    layer.weight.grad = torch.randn_like(before)
    made.step()
    rate = made.param_groups[0]["lr"]
    sizes = torch.linalg.svdvals(layer.weight.detach() - before * (1 - rate * 0.1))
    sizes /= rate * 0.2 * max(shape) ** 0.5
    assert sizes.min() > 0.4 and sizes.max() < 1.3
