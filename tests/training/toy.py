"""A training in a process of its own, forked from one that has imported PyTorch: importing it takes longer."""

import os
import signal
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO

import torch
from safetensors.torch import save_file
from tests.forking import FORKING
from torch import Tensor, nn

from vistok.errors import VistokError
from vistok.grid.recipes import Optimiser
from vistok.training.batches import Batch
from vistok.training.learner import Learner
from vistok.training.loop import Plan, train


class ToyLearner(Learner):
    """Says when its third step is under way, and goes no further than its middle before a file `go` is there.

    Its words may be `fail`: its middle does.
    """

    def __init__(self, go: Path, words: tuple[str, ...]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.go, self.words = go, words
        self.layers = nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.3), nn.Linear(6, 1))

    def batch(self, step: int, process: int, processes: int) -> Batch:
        while step == 50 and not self.go.exists():
            time.sleep(0.01)
        if step == 50 and "fail" in self.words:
            raise OSError("a photograph is gone")
        inputs = torch.randn(4, 6, generator=torch.Generator().manual_seed(step))
        return {"inputs": inputs, "step": torch.tensor(step)}

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        if int(batch["step"]) == 3:
            print("under way", flush=True)
        return self.layers(batch["inputs"]).square().sum(), torch.tensor(4.0)


def run(folder: Path, workers: int, words: tuple[str, ...], *streams: Connection) -> None:
    """Trains in a process group of its own."""
    os.setsid()
    for standard, stream in enumerate(streams, 1):
        os.dup2(stream.fileno(), standard)
        stream.close()
    # Said either way: the tests themselves may run under nohup.
    signal.signal(signal.SIGHUP, signal.SIG_IGN if "nohup" in words else signal.SIG_DFL)
    torch.set_num_threads(1)
    plan = Plan(80, Optimiser(learning_rate=0.01, warmup_steps=2), save_every=10**6, workers=workers)
    torch.manual_seed(7)
    try:
        train(
            learner := ToyLearner(folder / "go", words),
            plan,
            state=folder / "state",
            identity="a",
            name="toy",
        )
    except VistokError as error:
        sys.exit(f"vistok: {error}")
    save_file(learner.state_dict(), folder / "made.safetensors")


class Toy:
    """Such a training, started; it may be among words that it is to `fail`, or is under `nohup`."""

    def __init__(self, folder: Path, workers: int, *words: str) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "go").unlink(missing_ok=True)
        self._folder = folder
        pipes = [FORKING.Pipe(duplex=False) for _ in range(2)]
        self._process = FORKING.Process(
            target=run, args=(folder, workers, words, *(writer for _, writer in pipes))
        )
        self._process.start()
        self.out, self.err = (self._text(*pipe) for pipe in pipes)

    @staticmethod
    def _text(reader: Connection, writer: Connection) -> IO[str]:
        writer.close()
        text = os.fdopen(os.dup(reader.fileno()))
        reader.close()
        return text

    @property
    def pid(self) -> int:
        assert self._process.pid
        return self._process.pid

    def under_way(self) -> None:
        """Waits until it is."""
        assert self.out.readline() == "under way\n"

    def go(self) -> None:
        (self._folder / "go").touch()

    def wait(self) -> int:
        """Lets it go on to its end; returns its exit status, less than 0 for a signal."""
        self.go()
        self._process.join(60)
        assert self._process.exitcode is not None, "it does not end"
        return self._process.exitcode

    def end(self) -> tuple[int, str]:
        """Lets it go on to its end; returns its exit status and its log."""
        self.go()
        log = self.err.read()
        return self.wait(), log

    def close(self) -> None:
        """Ends it, whatever it is doing."""
        if self._process.is_alive():
            os.killpg(self.pid, signal.SIGKILL)
        self._process.join()
        for text in (self.out, self.err):
            text.close()
        self._process.close()
