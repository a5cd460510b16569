"""A training keeps the memory that its tensors give back, counted in the pages that the system has to supply."""

import ctypes
import resource
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import torch
from tests.forking import FORKING
from tests.training.toy import ToyLearner

from vistok.grid.recipes import Optimiser
from vistok.training.loop import Plan, train

MEBIBYTE = (1 << 20) // torch.float32.itemsize  # in numbers
PASSES = 5
PAGES = PASSES * (10 << 20) // resource.getpagesize()  # of ten mebibytes a pass


def count_faults(folder: Path, trains: bool, sink: Connection) -> None:
    """Sends how many pages the system supplied to tensors of the same sizes again and again, at the fewest."""
    torch.set_num_threads(1)
    if trains:
        plan = Plan(2, Optimiser(learning_rate=0.01, warmup_steps=1), save_every=10)
        train(ToyLearner(folder, ()), plan, state=folder, identity="a", name="toy")
    _ = [
        torch.ones(1) for _ in range(2000)
    ]  # room for small things below, so that nothing lies on top of the heap
    counts = []
    for _ in range(6):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(PASSES):
            _ = [torch.ones(size * MEBIBYTE) for size in (1, 2, 3, 4)]
        counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    sink.send(min(counts))  # the first passes find out what fits where


def faults(folder: Path, *, trains: bool) -> int:
    source, sink = FORKING.Pipe(duplex=False)
    process = FORKING.Process(target=count_faults, args=(folder, trains, sink))
    process.start()
    sink.close()
    count: int = source.recv()
    process.join(60)
    return count


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="a C library that cannot be told to")
def test_a_training_on_the_cpu_keeps_what_its_tensors_give_back(tmp_path: Path) -> None:
    assert faults(tmp_path, trains=False) > 0.5 * PAGES
    assert faults(tmp_path, trains=True) < 0.1 * PAGES
