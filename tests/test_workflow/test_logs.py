"""A log that cannot be written costs its lines, and never what the job has made."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

TABLES = "paper_tables/smoke"
FULL = "No space left on device"


@pytest.fixture
def full_log(built: Any) -> Iterator[Path]:
    """The folder of the tables' logs, on a file system of its own that is full."""
    folder = built.root / "logs/smoke/tabulate"
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a file system")
    with suppress(OSError), (folder / "filled").open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_under_the_log_leaves_the_job_whole(built: Any, full_log: Path) -> None:
    before = built.digests(TABLES)
    (built.root / TABLES / "table-2.html").unlink()
    output = built.build("paper_tables")
    assert FULL in output
    assert built.digests(TABLES) == before


def test_a_job_that_fails_still_fails(built: Any, full_log: Path) -> None:
    metrics = built.root / "results/smoke/blind/coco-oc/metrics.json"
    whole = metrics.read_bytes()
    before = metrics.stat()
    metrics.write_bytes(b"{")
    try:
        status, output = built.snakemake(
            "paper_tables", "--forcerun", "tabulate", "--rerun-triggers", "mtime"
        )
    finally:
        metrics.write_bytes(whole)
    assert status == 1 and FULL in output and f"{metrics.relative_to(built.root)} " in output
    assert before.st_size == metrics.stat().st_size
    built.build("paper_tables")
