"""Muon for the weights of linear layers, AdamW for all other parameters, as one optimiser."""

from typing import Any, Final

import torch
from timm.optim.muon import get_lr_scale, zeropower_via_newtonschulz
from torch import Tensor, nn

# Of the Newton-Schulz iteration: five of them bring all singular values near 1 (K. Jordan's).
_ITERATIONS: Final = 5
_COEFFICIENTS: Final = [(3.4445, -4.7750, 2.0315)]


class Muon(torch.optim.AdamW):
    """Steps of equal size in all directions of a matrix: momentum, made orthogonal (K. Jordan et al., 2024).

    Groups of parameters with a `momentum` are matrices that are trained so, the others are AdamW's. Steps are scaled to
    the size of AdamW's (arXiv 2502.16982, section 2.2). PyTorch's and timm's classes compute in bf16, which takes
    fifteen times as long as single precision on a CPU that has no such products.
    """

    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            if "momentum" in group:
                self._step_matrices(group)
        return super().step(closure)

    @torch.no_grad()
    def _step_matrices(self, group: dict[str, Any]) -> None:
        alike: dict[torch.Size, list[nn.Parameter]] = {}
        for parameter in group["params"]:
            if parameter.grad is not None:
                alike.setdefault(parameter.shape, []).append(parameter)
        for shape, parameters in alike.items():
            nesterov = torch.stack([self._nesterov(parameter, group["momentum"]) for parameter in parameters])
            directions = zeropower_via_newtonschulz(nesterov, _ITERATIONS, _COEFFICIENTS, dtype=torch.float32)
            rate = group["lr"] * get_lr_scale(shape, "match_rms_adamw")
            for parameter, direction in zip(parameters, directions, strict=True):
                parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(direction, alpha=-rate)
                parameter.grad = None  # AdamW passes by what has no gradient

    def _nesterov(self, parameter: nn.Parameter, share: float) -> Tensor:
        assert parameter.grad is not None
        state = self.state[parameter]
        if not state:  # AdamW looks for a step in each state that it restores
            state |= {"step": torch.tensor(0.0), "momentum": torch.zeros_like(parameter)}
        state["step"] += 1
        state["momentum"].lerp_(parameter.grad, 1 - share)
        ahead: Tensor = parameter.grad.lerp(state["momentum"], share)
        return ahead
