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

SIZE, COUNT = 8 << 20, 10  # more in all than the C library keeps unless it is told to: twice the largest
PAGES = SIZE * COUNT // resource.getpagesize()


def count_faults(folder: Path, trains: bool, sink: Connection) -> None:
    """Sends how many pages the system supplied to memory of sizes that had been given back before."""
    torch.set_num_threads(1)
    if trains:
        plan = Plan(2, Optimiser(learning_rate=0.01, warmup_steps=1), save_every=10)
        train(ToyLearner(folder, ()), plan, state=folder, identity="a", name="toy")
    for _ in range(4):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        take_and_give_back()
    sink.send(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)


def take_and_give_back() -> None:
    """Not by tensors, whose own small objects may come to lie on top of the heap, which then cannot shrink."""
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    taken = (ctypes.c_void_p * COUNT)()
    for index in range(COUNT):
        taken[index] = library.malloc(ctypes.c_size_t(SIZE))
    for address in taken:
        ctypes.memset(address, 1, SIZE)
    for address in reversed(taken):
        library.free(ctypes.c_void_p(address))


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
