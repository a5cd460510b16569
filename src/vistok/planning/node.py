"""Checks that run inside a job, on the node and in the processes that a training would have there."""

import os
import shutil
import time
from pathlib import Path
from typing import Final

import torch
from torch import distributed

from vistok.errors import VistokError
from vistok.grid.runs import Run
from vistok.grid.study import Study
from vistok.planning.costs import AHEAD
from vistok.planning.units import readable_bytes
from vistok.training.devices import device_of

SHARED: Final = Path("/dev/shm")
_SIDE: Final = {"cuda": 8192, "cpu": 256}  # of the matrices whose product is taken
_TURNS: Final = 10
_FURTHEST: Final = 0.02  # of a product in bf16 from one in single precision, as a share of its size
_EXCHANGED: Final = {"cuda": 2**28, "cpu": 2**16}  # bytes, as the gradients of a resampler are
_PIXEL: Final = 3  # bytes: workers hand over images as they are, not yet normalised


def check_device(gpus: int) -> str:
    """Returns the device that this process would compute on.

    Raises:
        VistokError: the scale asks for GPUs, and there is none here for this process.
    """
    device = device_of(gpus)
    if device.type == "cpu":
        return f"jobs compute on the CPU ({torch.get_num_threads()} threads)"
    about = torch.cuda.get_device_properties(device)
    return (
        f"{torch.cuda.device_count()} here, {about.name} of {readable_bytes(about.total_memory)}, CUDA "
        f"{torch.version.cuda}, PyTorch {torch.__version__}"
    )


def check_product(device: torch.device) -> str:
    """Multiplies two matrices in bf16, as a language model's layers do, and returns how fast that was.

    Raises:
        VistokError: the result is not that of single precision, or the device cannot do it.
    """
    side = _SIDE[device.type]
    draw = torch.Generator().manual_seed(0)
    first, second = (torch.randn(side, side, generator=draw).to(device) for _ in range(2))
    halves = first.bfloat16(), second.bfloat16()
    try:
        product = halves[0] @ halves[1]
        started = _now(device)
        for _ in range(_TURNS):
            product = halves[0] @ halves[1]
        seconds = _now(device) - started
    except RuntimeError as error:
        raise VistokError(
            f"{device} takes no product in bf16: {' '.join(str(error).split())[:200]}"
        ) from error
    exact = first @ second
    away = float((product.float() - exact).norm() / exact.norm())
    if not away < _FURTHEST:
        raise VistokError(
            f"a product in bf16 on {device} is {away:.1%} from that in single precision. Do not use it."
        )
    rate = 2 * side**3 * _TURNS / seconds / 1e12
    return f"{side} x {side} at {rate:,.3g} TFLOP/s, {away:.2%} from single precision"


def check_compiled(device: torch.device) -> str:
    """Compiles a small function, as layers are where a scale is not `exact`, and compares its result.

    Raises:
        VistokError: nothing can be compiled here, most often for want of a C compiler, or the result is another.
    """
    numbers = torch.linspace(-3, 3, 2**16, device=device)
    started = _now(device)
    try:
        made = torch.compile(_gated)(numbers)
    except Exception as error:  # whatever a compiler raises
        reason = " ".join(str(error).split())[:200]
        raise VistokError(
            f"torch.compile does not work here: {reason}. Give the node a C compiler (gcc), or set `exact: true` in "
            "the scale."
        ) from error
    if not torch.allclose(made, _gated(numbers), atol=1e-5):
        raise VistokError(f"what torch.compile makes on {device} computes something else. Set `exact: true`.")
    return f"a function compiled in {_now(device) - started:.1f} s"


def _gated(numbers: torch.Tensor) -> torch.Tensor:
    return numbers * numbers.sigmoid()


def check_exchange(device: torch.device) -> str:
    """Sums a tensor over all processes of a launcher (all-reduce), as training does with gradients.

    Raises:
        VistokError: the sum is wrong, or the processes do not find each other.
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes == 1:
        return "one process: nothing to exchange (vistok launch --processes N vistok doctor --on-node ... starts more)"
    backend = "nccl" if device.type == "cuda" else "gloo"
    try:
        distributed.init_process_group(backend, device_id=device if device.type == "cuda" else None)
        numbers = torch.full(
            (_EXCHANGED[device.type] // 4,), float(distributed.get_rank() + 1), device=device
        )
        distributed.all_reduce(numbers)
        right = bool((numbers == processes * (processes + 1) / 2).all())
        started = _now(device)
        distributed.all_reduce(numbers)
        seconds = _now(device) - started
        distributed.destroy_process_group()
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise VistokError(
            f"{processes} processes cannot exchange tensors through {backend}: {reason}"
        ) from error
    if not right:
        raise VistokError(
            f"the sum of {processes} processes through {backend} is wrong. Do not train on these nodes."
        )
    return f"{processes} processes through {backend}, {numbers.nbytes / seconds / 1e9:,.2g} GB/s"


def check_cache() -> str:
    """Returns where this node looks for published weights.

    Raises:
        VistokError: the folder is not there for this node.
    """
    from huggingface_hub import constants

    cache = Path(os.environ.get("HF_HUB_CACHE", constants.HF_HUB_CACHE))
    if not os.access(cache, os.R_OK | os.X_OK):
        raise VistokError(
            f"{cache} is not here, or cannot be read: published weights are looked for there. Export HF_HOME as a "
            "folder that the nodes share, where weights are fetched and where jobs are submitted."
        )
    return f"{cache}: {len([*cache.glob('models--*')])} repositories"


def check_shared_memory(study: Study, run: Run) -> str:
    """Compares what is free of the memory that data-loader workers hand batches over in with what a training takes.

    Raises:
        VistokError: there is less.
    """
    job, recipe = study.scale.job("tune-mllm"), study.recipe(run.recipe)
    image = _PIXEL * study.encoder(run.tokenizer).image_size ** 2
    needed = AHEAD * max(0, job.cpus - 1) * recipe.batch // max(1, job.nodes) * image
    free = shutil.disk_usage(SHARED).free
    numbers = f"{readable_bytes(needed)} needed by the workers of a node, {readable_bytes(free)} free"
    if needed > free:
        raise VistokError(
            f"{SHARED}: {numbers}. Ask for fewer `cpus`, or for more of it (of a container: --shm-size)."
        )
    return numbers


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.monotonic()
