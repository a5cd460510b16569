"""A log that cannot be written costs its lines, and never what the job has made."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

FROZEN = "deit/frozen/vicuna-7b/seed-0"
FULL = "No space left on device"


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Puts a file system of its own at a folder, which is full."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a file system")
    with suppress(OSError), (folder / "filled").open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_training_whose_log_cannot_be_written_is_whole(built: Any, tmp_path: Path) -> None:
    checkpoint, kept = built.root / f"checkpoints/smoke/mllms/{FROZEN}", tmp_path / "kept"
    shutil.move(checkpoint, kept)
    try:
        with full((built.root / f"logs/smoke/tune_mllm/{FROZEN}").parent):
            output = built.build(f"checkpoints/smoke/mllms/{FROZEN}")
        assert FULL in output
        made, before = ((folder / "model.safetensors").read_bytes() for folder in (checkpoint, kept))
        assert made == before
    finally:
        shutil.rmtree(checkpoint, ignore_errors=True)
        shutil.move(kept, checkpoint)
        built.forget_state(FROZEN)


def test_a_job_that_fails_still_fails(built: Any) -> None:
    metrics = built.root / "results/smoke/blind/coco-oc/metrics.json"
    content = metrics.read_bytes()
    metrics.write_bytes(b"{")
    try:
        with full(built.root / "logs/smoke/tabulate"):
            status, output = built.snakemake(
                "paper_tables", "--forcerun", "tabulate", "--rerun-triggers", "mtime"
            )
    finally:
        metrics.write_bytes(content)
    assert status == 1 and FULL in output and f"{metrics.relative_to(built.root)} " in output
    built.build("paper_tables")
