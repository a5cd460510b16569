"""Learners that train in milliseconds and keep everything that a saved state has to bring back."""

import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vistok.grid.recipes import Muon, Optimiser
from vistok.training.batches import Batch
from vistok.training.learner import Learner
from vistok.training.loop import Plan

# Matrices have Muon's momentum, all else AdamW's moments: a saved state brings back both.
OPTIMISER = Optimiser(
    learning_rate=0.05, warmup_steps=2, weight_decay=0.1, clip_norm=1.0, muon=Muon(learning_rate=0.1)
)


class TeacherLearner(Learner):
    """A student with dropout and a normalised layer, an averaged teacher, and a part that nothing trains.

    Dropout draws from PyTorch's own random state, the teacher moves after each step, and the norm counts
    its batches: a resumed training that forgets any of it ends elsewhere.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.backbone = nn.Linear(6, 8).requires_grad_(False)
        self.student = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 1))
        self.teacher = nn.Linear(8, 1).requires_grad_(False)
        self.before_step: Callable[[int], None] = lambda step: None

    def batch(self, step: int, process: int, processes: int) -> Batch:
        rng = np.random.default_rng([1, step])
        inputs = torch.from_numpy(rng.normal(size=(4, 6)).astype(np.float32))
        return {"inputs": inputs, "step": torch.tensor(step)}

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        self.before_step(int(batch["step"]))
        features = self.backbone(batch["inputs"])
        losses = (self.student(features) - self.teacher(features)).square()
        return losses.sum(), torch.tensor(float(len(losses)))

    def rate(self, name: str) -> float:
        return 0.5 if name.startswith("student.0.") else 1.0

    def trained_tensors(self) -> dict[str, Tensor]:
        return {
            name: tensor for name, tensor in self.state_dict().items() if not name.startswith("backbone.")
        }

    def after_step(self, step: int) -> None:
        with torch.no_grad():
            for old, new in zip(self.teacher.parameters(), self.student[3].parameters(), strict=True):
                old.lerp_(new, 0.2)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def optimiser() -> Optimiser:
    return OPTIMISER


@pytest.fixture(scope="module")
def make_learner() -> Callable[..., Learner]:
    return TeacherLearner


@pytest.fixture(scope="module", params=[0, 2], ids=["alone", "workers"])
def plan(request: pytest.FixtureRequest) -> Plan:
    """Twelve steps, whose batches the process makes itself, or has workers make ahead."""
    return Plan(steps=12, optimiser=OPTIMISER, save_every=5, note_every=3, workers=request.param)


@pytest.fixture
def stop() -> Callable[[int], None]:
    """Asks this very process to stop, as a cluster does before its time limit."""
    return lambda step: signal.raise_signal(signal.SIGTERM)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"
