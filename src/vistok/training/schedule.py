"""The optimiser and the learning-rate schedule."""

import math
from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import nn

from vistok.grid.recipes import Optimiser


def rate_at(step: int, steps: int, optimiser: Optimiser) -> float:
    """Returns the factor on the learning rate at a 0-based step: linear warm-up, then cosine."""
    if step < optimiser.warmup_steps:
        return (step + 1) / optimiser.warmup_steps
    progress = (step - optimiser.warmup_steps) / max(1, steps - optimiser.warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return optimiser.final_fraction + (1 - optimiser.final_fraction) * cosine


def make_optimiser(
    module: nn.Module,
    optimiser: Optimiser,
    rate_of: Callable[[str], float],
    undecayed: Collection[str] = (),
) -> torch.optim.AdamW:
    """Makes AdamW over the trainable parameters, or Muon with it; vectors (biases, norms) do not decay.

    Chosen: the released utils.py means the same, but names norms by lists that miss some. Latents decay there, too.

    Args:
        rate_of: returns the share of the learning rate of a parameter, by its name.
        undecayed: what else does not decay, such as `pos_embed`, by the last part of its name.
    """
    muon = optimiser.muon
    matrices = _matrices(module) if muon else frozenset()
    groups: dict[tuple[float, float, bool], list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            exempt = parameter.ndim < 2 or name.rpartition(".")[2] in undecayed
            decay = 0.0 if exempt else optimiser.weight_decay
            groups.setdefault((rate_of(name), decay, id(parameter) in matrices), []).append(parameter)
    parts: list[dict[str, Any]] = []
    for (rate, decay, is_matrix), parameters in groups.items():
        part: dict[str, Any] = {"params": parameters, "weight_decay": decay, "rate": rate}
        if muon and is_matrix:
            share = muon.learning_rate / optimiser.learning_rate
            part |= {"rate": rate * share, "momentum": muon.momentum}
        parts.append(part)
    kind = torch.optim.AdamW
    if muon:
        from vistok.training.muon import Muon  # imports timm, which not all that trains needs

        kind = Muon
    return kind(
        parts,
        lr=optimiser.learning_rate,
        betas=optimiser.betas,
        eps=optimiser.epsilon,
        fused=True,  # one kernel per group of parameters: for tensors this small, a call each would dominate
    )


def _matrices(module: nn.Module) -> frozenset[int]:
    """Returns the ids of the weights of linear layers; a head that shares the embedding's is none."""
    layers = list(module.modules())
    linear = {id(layer.weight) for layer in layers if isinstance(layer, nn.Linear)}
    return frozenset(linear - {id(layer.weight) for layer in layers if isinstance(layer, nn.Embedding)})
