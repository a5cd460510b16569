"""The saved state of a training that is under way: weights, optimiser moments, random state, curves.

It is kept outside the outputs of a workflow, so that a killed training goes on from it; it belongs to one
identity (a digest of everything that decides the result) and is not used for another. It carries a digest of
itself, and of the frozen parts that it was trained with.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vistok.checkpoints import digest_tensors
from vistok.errors import VistokError
from vistok.files import staged_file
from vistok.provenance import sealed, unsealed
from vistok.training.learner import Learner
from vistok.training.processes import is_first
from vistok.training.progress import say

Curves = list[dict[str, float]]
Tensors = dict[str, Tensor]


class TrainingState:
    """One file, replaced atomically, so that a kill at any moment leaves a complete one."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder = folder
        self.file = folder / "state.safetensors"
        self.identity = identity
        self._frozen: str | None = None

    def save(self, step: int, learner: Learner, optimiser: torch.optim.Optimizer, curves: Curves) -> None:
        """Saves the state after `step` steps."""
        tensors = {f"module.{name}": tensor for name, tensor in learner.trained_tensors().items()}
        for index, moments in optimiser.state_dict()["state"].items():
            tensors |= {
                f"optimiser.{index}.{name}": torch.as_tensor(value) for name, value in moments.items()
            }
        tensors["random"] = torch.get_rng_state()
        copies = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
        about = {
            "identity": self.identity,
            "step": str(step),
            "curves": json.dumps(curves),
            "frozen": self._digest_of_frozen(learner),
            "tensors": digest_tensors(copies),
        }
        with staged_file(self.file, durable=True) as partial:
            save_file(copies, partial, metadata=sealed(about))

    def restore(self, learner: Learner, optimiser: torch.optim.Optimizer) -> tuple[int, Curves]:
        """Restores the saved state and returns the next step and the curves so far.

        If there is no usable state, it says why and returns (0, []).
        """
        if not self.file.is_file():
            return 0, []
        try:
            about, tensors = self._read(learner)
        except (OSError, ValueError, VistokError) as reason:
            if is_first():
                say(f"{self.file} is not used, and the training starts from step 0: {_sentence(reason)}")
            return 0, []
        learner.load_state_dict(_below(tensors, "module."), strict=False)
        _restore_moments(optimiser, _below(tensors, "optimiser."))
        torch.set_rng_state(tensors["random"])
        return int(about["step"]), json.loads(about["curves"])

    def forget(self) -> None:
        """Removes the saved state."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _read(self, learner: Learner) -> tuple[dict[str, str], Tensors]:
        about, tensors = read_state(self.file)
        if about["identity"] != self.identity:
            raise ValueError(
                "it is of another training: the study, its inputs or the code have changed since"
            )
        if about["frozen"] != self._digest_of_frozen(learner):
            raise ValueError("its frozen parts differ from those that it was trained with")
        return about, tensors

    def _digest_of_frozen(self, learner: Learner) -> str:
        if self._frozen is None:
            trained = learner.trained_tensors()
            self._frozen = digest_tensors(
                {name: tensor for name, tensor in learner.state_dict().items() if name not in trained}
            )
        return self._frozen


def read_state(file: Path) -> tuple[dict[str, str], Tensors]:
    """Returns the metadata and the tensors of a saved state.

    Raises:
        VistokError: it is not a saved state, or not what was saved.
    """
    try:
        with safe_open(file, "pt") as saved:
            about = unsealed(file, saved.metadata() or {})
            tensors = {name: saved.get_tensor(name) for name in saved.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise VistokError(f"{file} is not a saved state: {error}.") from error
    if about["tensors"] != digest_tensors(tensors):
        raise VistokError(
            f"{file} does not hold the tensors that were saved: the disk has lost some of them."
        )
    return about, tensors


def _sentence(reason: Exception) -> str:
    return " ".join(str(reason).split()).rstrip(".") + "."


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _restore_moments(optimiser: torch.optim.Optimizer, moments: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in moments.items():
        index, moment = name.split(".", 1)
        state.setdefault(int(index), {})[moment] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
