"""What only a job can tell: its device, a product in bf16, exchange, the hub's cache, shared memory."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from vistok.cli import main
from vistok.errors import VistokError
from vistok.grid.load import load_study
from vistok.planning import node

RUN = "clip/frozen/vicuna-7b/seed-0"
CPU = torch.device("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_a_node_without_a_gpu_is_told_in_one_sentence(
    repository: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository)
    monkeypatch.delenv("VISTOK_DEVICE", raising=False)
    assert main(["doctor", "--on-node", "--scale", "paper", RUN]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("FAIL  GPU") and "this job asks for 1 GPU(s)" in lines[0]
    assert not any("product in bf16" in line or "exchange" in line for line in lines)
    assert any(line.startswith("FAIL  hub cache") and "Export HF_HOME" in line for line in lines)
    assert any(line.startswith("FAIL  weights of vicuna-7b") for line in lines)


def test_a_product_in_bf16_is_right_and_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "256 x 256 at " in node.check_product(CPU)
    monkeypatch.setattr(node, "_FURTHEST", 1e-6)
    with pytest.raises(
        VistokError, match=r"a product in bf16 on cpu is 0\.\d% from that in single precision"
    ):
        node.check_product(CPU)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler, which compiles for the CPU")
def test_a_function_is_compiled_and_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "a function compiled in " in node.check_compiled(CPU)
    monkeypatch.setattr(torch, "compile", lambda function: lambda numbers: function(numbers) + 1)
    with pytest.raises(VistokError, match=r"computes something else\. Set `exact: true`"):
        node.check_compiled(CPU)


def test_a_node_without_a_compiler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_compiler(function: object) -> object:
        raise RuntimeError("Failed to find C compiler.\nPlease specify one.")

    monkeypatch.setattr(torch, "compile", no_compiler)
    with pytest.raises(VistokError, match=r"Failed to find C compiler\. Please specify one.*gcc"):
        node.check_compiled(CPU)


def test_one_process_says_how_more_are_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert "vistok launch --processes N vistok doctor --on-node" in node.check_exchange(CPU)


@pytest.mark.slow
def test_processes_of_a_launcher_exchange(repository: Path, tmp_path: Path) -> None:
    """On the CPU, where a scale with GPUs is tried out; each line is said once."""
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        "-m",
        "vistok",
    ]
    environment = {
        **os.environ,
        "VISTOK_DEVICE": "cpu",
        "HF_HUB_CACHE": str(tmp_path),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [*command, "doctor", "--on-node", "--scale", "paper", RUN],
        cwd=repository, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert "2 processes through gloo" in done.stdout, done.stderr
    assert done.stdout.count("product in bf16") == done.stdout.count("hub cache") == 1
    assert "ok    hub cache" in done.stdout and "FAIL  weights of vicuna-7b" in done.stdout
    assert done.returncode != 0


def test_the_cache_is_looked_for_on_the_node(cache: Path) -> None:
    with pytest.raises(VistokError, match="is not here, or cannot be read"):
        node.check_cache()
    (cache / "models--me--small").mkdir(parents=True)
    assert node.check_cache() == f"{cache}: 1 repositories"


def test_shared_memory_is_held_against_what_workers_make_ahead(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven workers, two batches each of 1,024 images of 224 pixels."""
    study = load_study("paper", root=repository)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=9 * 2**30))
    assert (
        node.check_shared_memory(study, study.run(RUN))
        == "2.0 GiB needed by the workers of a node, 9.0 GiB free"
    )
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=2**26))
    with pytest.raises(VistokError, match=r"/dev/shm: 2\.0 GiB needed .*--shm-size"):
        node.check_shared_memory(study, study.run(RUN))
