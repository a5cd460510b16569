"""A pretraining objective as the training loop trains it."""

from typing import Final, cast

import torch
from torch import Tensor

from vistok.supervision.base import Objective
from vistok.supervision.data import PretrainingData
from vistok.training.batches import Batch
from vistok.training.learner import Learner

_MADE_BEFORE: Final = ("objective.teacher.", "objective.proposer.")


class PretrainingLearner(Learner):
    """An objective with its images; each process has an equal share of every batch.

    Args:
        half: whether products are taken in bf16; all weights stay in single precision.
    """

    def __init__(self, objective: Objective, data: PretrainingData, *, half: bool = False) -> None:
        super().__init__()
        self.objective = objective
        self.data = data
        self._half = half
        self.undecayed = objective.undecayed

    def batch(self, step: int, process: int, processes: int) -> Batch:
        views = self.objective.batch(self.data, step, process, processes)
        return {**views, "step": torch.tensor(step), "share": torch.tensor(1 / processes)}

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        step, share = int(batch["step"]), batch["share"]
        views = {name: tensor for name, tensor in batch.items() if name not in ("step", "share")}
        with torch.autocast(share.device.type, torch.bfloat16, enabled=self._half):
            return cast(Tensor, self.objective(views, step)).float() * share, share

    def trained_tensors(self) -> dict[str, Tensor]:
        """Returns everything but what was made before, which is in its own checkpoint: a teacher, a proposer."""
        state = self.state_dict()
        return {name: tensor for name, tensor in state.items() if not name.startswith(_MADE_BEFORE)}

    def after_step(self, step: int) -> None:
        self.objective.after_step(step)
