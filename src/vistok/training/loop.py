"""The one training loop: any learner, on one process or many (Accelerate), stopped and resumed at any step."""

import os
import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from vistok.errors import VistokError
from vistok.grid.values import Optimiser
from vistok.training.processes import join
from vistok.training.schedule import make_optimiser, rate_at
from vistok.training.state import Curves, TrainingState

Batch = Mapping[str, Tensor]


class Learner(nn.Module, ABC):
    """What the loop trains: a module with its data.

    Attributes:
        rates: share of the learning rate by the start of a parameter's name.
        frozen_parts: starts of the names that training never changes, and that no saved state holds.
    """

    rates: Mapping[str, float] = {}
    frozen_parts: tuple[str, ...] = ()

    @abstractmethod
    def batch(self, step: int, process: int, processes: int) -> Batch:
        """Returns one process's share of the batch of a step; a pure function of its arguments."""

    @abstractmethod
    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Returns the sum of the losses and the sum of their weights."""

    def after_step(self, step: int) -> None:
        """Does what follows an optimiser step, such as moving an averaged teacher."""


@dataclass(frozen=True)
class Plan:
    """How long a training takes, and how often it saves its state and notes its curves (in steps).

    Attributes:
        part: how many examples a process takes at a time, where its share of a batch is too much for its memory;
            gradients add up to those of the whole share, up to the order of floating-point sums.
    """

    steps: int
    optimiser: Optimiser
    save_every: int
    note_every: int = 20
    workers: int = 0
    part: int | None = None


class Steps(Dataset[Batch]):
    """A learner's batches by step, so that data-loader workers can make them ahead."""

    def __init__(self, learner: Learner, accelerator: Accelerator) -> None:
        self.learner = learner
        self.process, self.processes = accelerator.process_index, accelerator.num_processes

    def __getitem__(self, step: int) -> Batch:
        return self.learner.batch(step, self.process, self.processes)


def train(learner: Learner, plan: Plan, *, state: Path, identity: str, name: str) -> Curves:
    """Trains `learner` in place and returns its loss and learning-rate curves.

    Args:
        state: folder of the resumable state; the caller forgets it once it has written what was trained.
        identity: digest of everything that decides the result; a state of another is not used.
        name: what the progress lines call it.

    Raises:
        VistokError: the loss is not finite, or the job was told to stop (its state is saved).
    """
    join()
    accelerator = Accelerator(
        cpu=not torch.cuda.is_available(),
    )
    optimiser = make_optimiser(learner, plan.optimiser, learner.rates)
    saved = TrainingState(state, identity)
    first, curves = saved.restore(learner, optimiser)
    learner.to(accelerator.device)
    model, optimiser = accelerator.prepare(learner, optimiser)
    loader = DataLoader(Steps(learner, accelerator), batch_size=None, sampler=range(first, plan.steps),
                        num_workers=plan.workers, generator=torch.Generator())  # fmt: skip
    progress = Progress(name, plan.steps, first, quiet=not accelerator.is_main_process)
    with stop_requests() as stop:
        for step, batch in enumerate(loader, start=first):
            rate = plan.optimiser.learning_rate * rate_at(step, plan.steps, plan.optimiser)
            loss = _step(
                accelerator, model, optimiser, _parts(batch, plan.part), rate, plan.optimiser.clip_norm
            )
            learner.after_step(step)
            done = step + 1
            if done % plan.note_every == 0 or done == plan.steps:
                curves.append({"step": done, "loss": _finite(loss, name, done), "rate": rate})
                progress.show(done, curves[-1]["loss"])
            if done == plan.steps:
                break
            stopped = _agreed(accelerator, bool(stop))
            if accelerator.is_main_process and (stopped or done % plan.save_every == 0):
                saved.save(done, learner, optimiser, curves)
            if stopped:
                accelerator.wait_for_everyone()  # a launcher kills the others when the first one ends
                raise VistokError(
                    f"{name}: stopped at step {done} on request; the next start goes on from there."
                )
    return curves


def _parts(batch: Batch, size: int | None) -> list[Batch]:
    """Splits a process's share of a batch into parts of at most `size` examples."""
    if size is None:
        return [batch]
    split = {name: tensor.split(size) for name, tensor in batch.items()}
    return [dict(zip(split, tensors, strict=True)) for tensors in zip(*split.values(), strict=True)]


def _step(
    accelerator: Accelerator,
    model: nn.Module,
    optimiser: Any,
    parts: Sequence[Batch],
    rate: float,
    clip: float | None,
) -> Tensor:
    """Takes one optimiser step and returns the mean loss over all processes."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["rate"]
    optimiser.zero_grad(set_to_none=True)
    sums = torch.zeros(2, device=accelerator.device)
    for number, part in enumerate(parts, start=1):
        # Processes exchange gradients once a step, after the last part.
        with nullcontext() if number == len(parts) else accelerator.no_sync(model):
            total, weight = model({name: tensor.to(accelerator.device) for name, tensor in part.items()})
            accelerator.backward(total)
        sums += torch.stack([total.detach().float(), weight.detach().float()])
    sums = accelerator.reduce(sums, "sum")
    # Averaged gradients of sums over one common weight: the same step however a batch is shared out.
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad.mul_(accelerator.num_processes / sums[1])
    if clip is not None:
        accelerator.clip_grad_norm_(model.parameters(), clip)
    optimiser.step()
    loss: Tensor = sums[0] / sums[1]
    return loss


def _agreed(accelerator: Accelerator, stop: bool) -> bool:
    """Returns whether any process was asked to stop: one that stopped alone would leave the others waiting."""
    if accelerator.num_processes == 1:
        return stop
    asked: Tensor = accelerator.reduce(torch.tensor(float(stop), device=accelerator.device), "sum")
    return asked.item() > 0


def _finite(loss: Tensor, name: str, step: int) -> float:
    value = loss.item()
    if not torch.isfinite(loss):
        raise VistokError(
            f"{name}: the loss is {value} at step {step}. Lower the learning rate of its recipe."
        )
    return round(value, 6)


class Progress:
    """A bar on a terminal; a plain line now and then in a log file."""

    def __init__(self, name: str, steps: int, first: int, *, quiet: bool) -> None:
        self.name, self.steps, self.quiet = name, steps, quiet
        self.bar, self.width = sys.stderr.isatty(), 0
        self.every = max(1, steps // 10)
        self.next = first + self.every
        if first and not quiet:
            print(f"{name}: goes on from step {first} of {steps}", file=sys.stderr, flush=True)

    def show(self, step: int, loss: float) -> None:
        if self.quiet:
            return
        if self.bar:
            filled = "#" * (30 * step // self.steps)
            line = f"{self.name} [{filled:<30}] {step}/{self.steps} loss {loss:.3f} "
            self.width = max(self.width, len(line))
            print(f"\r{line:<{self.width}}", end="\n" if step == self.steps else "", file=sys.stderr)
        elif step >= self.next or step == self.steps:
            print(f"{self.name}: step {step} of {self.steps}, loss {loss:.4f}", file=sys.stderr, flush=True)
            self.next = step + self.every


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Yields a list that fills when the process is asked to stop (SIGTERM, as a cluster sends before its limit)."""
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, before)


def make_deterministic(seed: int, *, threads: int = 1) -> None:
    """Seeds PyTorch and allows only deterministic algorithms, so that a run gives the same bytes again."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(threads)
