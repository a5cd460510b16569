"""Lets several processes train together: passes what `srun` sets for each of them on to PyTorch."""

import os
from collections.abc import MutableMapping
from typing import Final

# To try a scale with GPUs out on a machine that has none: the same job, on its CPUs, where this is `cpu`.
CHOICE: Final = "VISTOK_DEVICE"
_FIRST_PORT: Final = 20_000
_PORTS: Final = 20_000


def join(environment: MutableMapping[str, str] = os.environ) -> None:
    """Sets the variables by which Accelerate finds the other processes of a Slurm step, one a GPU.

    Does nothing in a single process, or under a launcher that sets them itself, such as torchrun. The first
    process has to be on the node that `srun` was called on: call it in a batch job.
    """
    processes = environment.get("SLURM_STEP_NUM_TASKS", "1")
    if processes == "1" or "RANK" in environment:
        return
    environment.update(
        {
            "RANK": environment["SLURM_PROCID"],
            "LOCAL_RANK": environment["SLURM_LOCALID"],
            "WORLD_SIZE": processes,
            "MASTER_ADDR": environment["SLURM_LAUNCH_NODE_IPADDR"],
            # Jobs that share a node differ in their id.
            "MASTER_PORT": str(_FIRST_PORT + int(environment["SLURM_JOB_ID"]) % _PORTS),
            "OMP_NUM_THREADS": environment.get("OMP_NUM_THREADS", "1"),
        }
    )


def is_first() -> bool:
    """Returns whether this is the process that writes the checkpoint."""
    return os.environ.get("RANK", "0") == "0"
