"""The one training loop: any learner, on one process or many (Accelerate), stopped and resumed at any step."""

import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from vistok.errors import VistokError
from vistok.grid.recipes import Optimiser
from vistok.training.batches import Batch, batches
from vistok.training.devices import device_of
from vistok.training.learner import Learner
from vistok.training.memory import keep_freed_memory
from vistok.training.processes import join
from vistok.training.progress import Progress
from vistok.training.schedule import make_optimiser, rate_at
from vistok.training.state import Curves, TrainingState
from vistok.training.stops import stop_requests


@dataclass(frozen=True)
class Plan:
    """How long a training takes, and how often it saves its state and notes its curves (in steps).

    Attributes:
        positions: how many positions of image and text a process takes at a time, where its share of a batch is too
            much for its memory. Gradients of losses that are sums or means over rows add up to those of the whole
            share, up to the order of floating-point sums. What is taken over the rows that are seen together depends
            on the cut: of a tokenizer's loss, the entropy of its codes, and what the norms of its discriminator and
            LeCAM's averages enter.
        gpus: how many the job asks for, on all nodes together; 0: it trains on the CPU.
    """

    steps: int
    optimiser: Optimiser
    save_every: int
    note_every: int = 20
    workers: int = 0
    positions: int | None = None
    gpus: int = 0


def train(learner: Learner, plan: Plan, *, state: Path, identity: str, name: str) -> Curves:
    """Trains `learner` in place and returns its loss and learning-rate curves.

    Args:
        state: folder of the resumable state; the caller forgets it once it has written what was trained.
        identity: digest of everything that decides the result; a state of another is not used.
        name: what the progress lines call it.

    Raises:
        VistokError: the loss is not finite, the job was told to stop (its state is saved), or it asks for a GPU that
            is not there.
    """
    join()
    on_cpu = device_of(plan.gpus).type == "cpu"
    if on_cpu:
        keep_freed_memory()
    accelerator = Accelerator(cpu=on_cpu)
    optimiser = make_optimiser(learner, plan.optimiser, learner.rate, learner.undecayed)
    saved = TrainingState(state, identity)
    first, curves = saved.restore(learner, optimiser)
    learner.to(accelerator.device)
    model, optimiser = accelerator.prepare(learner, optimiser)
    # Listed once: walking through all modules takes a fiftieth of a small step.
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    progress = Progress(name, plan.steps, first, quiet=not accelerator.is_main_process)

    def make(step: int) -> Batch:
        return learner.batch(step, accelerator.process_index, accelerator.num_processes)

    steps = range(first, plan.steps)
    with stop_requests() as stop, batches(name, make, steps, plan.workers) as coming:
        for step, batch in enumerate(coming, start=first):
            rate = plan.optimiser.learning_rate * rate_at(step, plan.steps, plan.optimiser)
            micro_batches = learner.cut(batch, plan.positions) if plan.positions else [batch]
            loss = _step(
                accelerator, model, optimiser, trained, micro_batches, rate, plan.optimiser.clip_norm
            )
            learner.after_step(step)
            done, last = step + 1, step + 1 == plan.steps
            if done % plan.note_every == 0 or last:
                curves.append({"step": done, "loss": _finite(loss, name, done), "rate": rate})
                progress.show(done, curves[-1]["loss"])
            stopped = not last and _agreed(accelerator, bool(stop))
            if accelerator.is_main_process and (stopped or last or done % plan.save_every == 0):
                saved.save(done, learner, optimiser, curves)
            if stopped:
                accelerator.wait_for_everyone()  # a launcher kills the others when the first one ends
                raise VistokError(
                    f"{name}: stopped at step {done} on request; the next start goes on from there."
                )
    return curves


def _step(
    accelerator: Accelerator,
    model: nn.Module,
    optimiser: Any,
    trained: Sequence[nn.Parameter],
    micro_batches: Sequence[Batch],
    rate: float,
    clip: float | None,
) -> Tensor:
    """Takes one optimiser step and returns the mean loss over all processes."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["rate"]
    optimiser.zero_grad(set_to_none=True)
    sums = torch.zeros(2, device=accelerator.device)
    for number, micro_batch in enumerate(micro_batches, start=1):
        # Processes exchange gradients once a step, after the last part.
        with nullcontext() if number == len(micro_batches) else accelerator.no_sync(model):
            total, weight = model(
                {name: tensor.to(accelerator.device) for name, tensor in micro_batch.items()}
            )
            accelerator.backward(total)
        sums += torch.stack([total.detach().float(), weight.detach().float()])
    sums = accelerator.reduce(sums, "sum")
    # Averaged gradients of sums over one common weight: the same step however a batch is shared out.
    for parameter in trained:
        if parameter.grad is not None:
            parameter.grad.mul_(accelerator.num_processes / sums[1])
    if clip is not None:
        accelerator.clip_grad_norm_(trained, clip)
    optimiser.step()
    loss: Tensor = sums[0] / sums[1]
    return loss


def _agreed(accelerator: Accelerator, stop: bool) -> bool:
    """Returns whether any process was asked to stop: one that stopped alone would leave the others waiting."""
    if accelerator.num_processes == 1:
        return stop
    stops: Tensor = accelerator.reduce(torch.tensor(float(stop), device=accelerator.device), "sum")
    return stops.item() > 0


def _finite(loss: Tensor, name: str, step: int) -> float:
    value = loss.item()
    if not torch.isfinite(loss):
        raise VistokError(
            f"{name}: the loss is {value} at step {step}. Lower the learning rate of its recipe."
        )
    return round(value, 6)


def make_deterministic(seed: int, *, exact: bool = True, threads: int = 1) -> None:
    """Seeds PyTorch.

    Args:
        exact: whether only deterministic algorithms are allowed, so that a run gives the same bytes again.
    """
    torch.manual_seed(seed)
    if exact:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    # It has every new tensor filled before it is written, a twentieth of a small step; nothing reads one before that.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.set_num_threads(threads)
