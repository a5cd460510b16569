"""A training's batches, made by the process itself or in advance by data-loader workers."""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import active_children
from multiprocessing.process import BaseProcess
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from vistok.errors import VistokError
from vistok.training.stops import deaf_children

Batch = Mapping[str, Tensor]


def by_length(batch: Batch, front: int, positions: int) -> list[Batch]:
    """Cuts rows of text, and what belongs to each, into parts of similar length, the longest first.

    Args:
        batch: `mask` (rows, length) is 1 where a row has text; what else has so many columns is trimmed with it.
        front: the number of positions before each text.
        positions: the most of a micro-batch, padding included; a longer row is a micro-batch of its own.
    """
    lengths = batch["mask"].sum(dim=1)
    order = torch.argsort(lengths, descending=True, stable=True)
    longest, columns = lengths[order].tolist(), batch["mask"].shape[1]
    micro_batches: list[Batch] = []
    while len(order):
        length = int(longest[0])
        rows = max(1, positions // (front + length))
        micro_batch = {name: tensor[order[:rows]] for name, tensor in batch.items()}
        micro_batches.append(
            {
                name: each[:, :length] if each.shape[1:] == (columns,) else each
                for name, each in micro_batch.items()
            }
        )
        order, longest = order[rows:], longest[rows:]
    return micro_batches


class _Steps(Dataset[Batch]):
    def __init__(self, make: Callable[[int], Batch]) -> None:
        self.make = make

    def __getitem__(self, step: int) -> Batch:
        return self.make(step)


@contextmanager
def batches(name: str, make: Callable[[int], Batch], steps: range, workers: int) -> Iterator[Iterator[Batch]]:
    """Yields the batch of each of `steps`; with `workers`, so many processes make them ahead.

    Args:
        name: what an error calls the training.
        make: returns the batch of a step.
        steps: those to come.
        workers: 0 has this very process make them.

    Raises:
        VistokError: a worker was killed, wherever in the block the error appears.
    """
    loader = DataLoader(
        _Steps(make),
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        generator=torch.Generator(),
        multiprocessing_context="fork" if workers else None,  # Python 3.14 no longer forks by itself
    )
    with deaf_children():
        made: Any = iter(loader)
    started = active_children()
    try:
        yield made
    except Exception as error:
        with _unheard(signal.SIGCHLD):  # PyTorch's own handler would raise again in the middle of this
            if not any(map(_was_killed, started)):
                raise
        raise VistokError(
            f"{name}: a process that prepares batches was killed, most often for want of memory: raise `memory_mb` "
            "of this step in the scale's `resources`, or lower its `cpus`. The next start goes on from the last "
            "saved step."
        ) from error
    finally:
        # Left to the garbage collector, an error's traceback would keep them: deaf workers outlive a terminate().
        if workers:
            with _unheard(signal.SIGCHLD):
                made._shutdown_workers()


@contextmanager
def _unheard(number: signal.Signals) -> Iterator[None]:
    before = signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(number, before)


def _was_killed(worker: BaseProcess) -> bool:
    worker.join(timeout=0.2)  # its pipe breaks before it counts as dead
    return worker.exitcode is not None and worker.exitcode < 0
