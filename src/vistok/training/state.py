"""The saved state of a training that is under way: weights, optimiser moments, random state, curves.

It is kept outside the outputs of a workflow, so that a killed training goes on from it; it belongs to one
identity (a digest of everything that decides the result) and is not used for another.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from vistok.files import staged_file

Curves = list[dict[str, float]]


class TrainingState:
    """One file, written beside and renamed, so that a kill at any moment leaves a whole one."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder = folder
        self.file = folder / "state.safetensors"
        self.identity = identity

    def save(self, step: int, module: nn.Module, optimiser: torch.optim.Optimizer, curves: Curves) -> None:
        tensors = {f"module.{name}": tensor for name, tensor in _kept(module).items()}
        for index, moments in optimiser.state_dict()["state"].items():
            tensors |= {
                f"optimiser.{index}.{name}": torch.as_tensor(value) for name, value in moments.items()
            }
        tensors["random"] = torch.get_rng_state()
        about = {"identity": self.identity, "step": str(step), "curves": json.dumps(curves)}
        copies = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
        with staged_file(self.file) as partial:
            save_file(copies, partial, metadata=about)

    def restore(self, module: nn.Module, optimiser: torch.optim.Optimizer) -> tuple[int, Curves]:
        """Restores what was saved and returns the next step and the curves so far; (0, []) where nothing fits."""
        if not self.file.is_file():
            return 0, []
        try:
            with safe_open(self.file, "pt") as saved:
                about = saved.metadata() or {}
                tensors = {name: saved.get_tensor(name) for name in saved.keys()}  # noqa: SIM118
        except (SafetensorError, OSError):
            return 0, []
        if about.get("identity") != self.identity:
            return 0, []
        module.load_state_dict(_below(tensors, "module."), strict=False)
        _restore_moments(optimiser, _below(tensors, "optimiser."))
        torch.set_rng_state(tensors["random"])
        return int(about["step"]), json.loads(about["curves"])

    def forget(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _kept(module: nn.Module) -> dict[str, Tensor]:
    """Returns what training can change: everything but what the learner says is frozen."""
    frozen: tuple[str, ...] = getattr(module, "frozen_parts", ())
    return {
        name: tensor
        for name, tensor in module.state_dict().items()
        if not (frozen and name.startswith(frozen))
    }


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _restore_moments(optimiser: torch.optim.Optimizer, moments: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in moments.items():
        index, moment = name.split(".", 1)
        state.setdefault(int(index), {})[moment] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
