"""The one place that decides a job's device: the GPU that its scale asks for, else the CPU."""

import os
from collections.abc import Mapping

import torch

from vistok.errors import VistokError
from vistok.training.processes import CHOICE


def device_of(gpus: int, environment: Mapping[str, str] = os.environ) -> torch.device:
    """Returns the device of this process.

    Args:
        gpus: how many GPUs the job asks for, on all its nodes together; 0: it computes on the CPU, wherever it is.
        environment: VISTOK_DEVICE=cpu has a job that asks for GPUs compute on the CPU. LOCAL_RANK, as launchers set
            it, is the number of the process's own GPU on its node.

    Raises:
        VistokError: the job asks for GPUs, and PyTorch finds none here, or fewer than the node has processes.
    """
    choice = environment.get(CHOICE, "")
    if choice not in ("", "cpu"):
        raise VistokError(f"{CHOICE} is {choice!r}. Legal: cpu; unset it to compute where the scale says.")
    if gpus == 0 or choice == "cpu":
        return torch.device("cpu")
    rank, count = int(environment.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if rank >= count:
        raise VistokError(
            f"this job asks for {gpus} GPU(s) (`resources` of its scale), and process {rank} of this node finds "
            f"{count}: {_reason(environment)}. Start it where the GPUs are, or try it out on the CPU, which takes far "
            f"longer: {CHOICE}=cpu"
        )
    # cuDNN's attention plans each new shape for some 0.1 s, and almost every batch of text has another: without it a
    # 7-B model answers nine times as many questions.
    torch.backends.cuda.enable_cudnn_sdp(False)
    return torch.device("cuda", rank)


def _reason(environment: Mapping[str, str]) -> str:
    """Returns why PyTorch finds no GPU, or too few."""
    if not torch.backends.cuda.is_built():
        return f"PyTorch {torch.__version__} is built without CUDA"
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return f"CUDA_VISIBLE_DEVICES is {visible!r}"
    try:
        torch.cuda.init()
    except (RuntimeError, AssertionError) as error:
        return f"CUDA {torch.version.cuda} does not start ({' '.join(str(error).split())[:200]})"
    return "the machine has no more"
