"""Compute nodes have no internet: a run is trained, answered and scored in processes that can open no connection."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

RUN = "deit/frozen/vicuna-7b/seed-0"
BUILT = ("checkpoints", "paper_tables/smoke", "results/smoke")
CLOSED = """
import socket

def closed(*_):
    raise OSError("sockets are closed")

socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = closed
"""


@pytest.fixture
def closed(built: Any) -> Iterator[Path]:
    """Closes the sockets of every Python process that runs the checkout's code."""
    module = built.root / "src/sitecustomize.py"
    module.write_text(CLOSED)
    yield module.parent
    module.unlink()


def test_a_run_that_was_deleted_comes_back_the_same_without_a_network(built: Any, closed: Path) -> None:
    ask = "import socket; socket.create_connection(('127.0.0.1', 9))"
    tried = subprocess.run(
        [sys.executable, "-c", ask],
        env={"PYTHONPATH": str(closed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "sockets are closed" in tried.stderr
    before = built.digests(*BUILT)
    assert {"paper_tables/smoke/table-2.html", f"results/smoke/{RUN}/vqav2/metrics.json"} < before.keys()
    built.remove(f"checkpoints/smoke/mllms/{RUN}", f"results/smoke/{RUN}")
    for path in (built.root / "paper_tables/smoke").glob("table-2*"):
        path.unlink()
    output = built.fresh().build("paper_tables")
    assert "rule tune_mllm" in output and "rule answer" in output
    assert built.digests(*BUILT) == before
