"""Processes forked from one that has imported PyTorch: importing it takes longer than what most of them do."""

import multiprocessing
import os
import runpy
import socket
import sys
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(["tests.training.toy", "timm"])


def run_together(script: Path, processes: int, *words: str, log: Path | None = None) -> None:
    """Runs a script in one process, or in some with the environment that torchrun gives to those of one machine.

    What they say goes to `log`, if it is given.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started: list[BaseProcess] = []
    for rank in range(processes):
        own = shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)} if processes > 1 else {}
        started.append(FORKING.Process(target=_run, args=(str(script), words, own, log)))
    for process in started:
        process.start()
    for process in started:
        process.join(300)
        assert process.exitcode == 0, log and log.read_text()
        process.close()


def _run(script: str, words: Sequence[str], environment: dict[str, str], log: Path | None) -> None:
    if log:
        stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for standard in (1, 2):
            os.dup2(stream, standard)
    os.environ.update(environment)
    sys.argv = [script, *words]
    runpy.run_path(script, run_name="__main__")
