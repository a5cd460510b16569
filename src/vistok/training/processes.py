"""Lets several processes work together: passes what `srun` sets for each of them on to PyTorch."""

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

# To try a scale with GPUs out on a machine that has none: the same job, on its CPUs, where this is `cpu`.
CHOICE: Final = "VISTOK_DEVICE"
_FIRST_PORT: Final = 20_000
_PORTS: Final = 20_000
# The longest that one process waits for another: a Slurm job's limit ends both before that.
_LONGEST: Final = timedelta(days=7)


@dataclass(frozen=True)
class Process:
    """One of a job's processes: its rank, from 0 on, among `world_size`."""

    rank: int = 0
    world_size: int = 1

    def owns(self, item: int) -> bool:
        """Returns whether an item of a list that all processes have is this one's to do."""
        return item % self.world_size == self.rank


def this_process(environment: Mapping[str, str] = os.environ) -> Process:
    """Returns which process this is; to be called after `join`."""
    return Process(int(environment.get("RANK", "0")), int(environment.get("WORLD_SIZE", "1")))


def meet() -> None:
    """Waits until every process of the job is here."""
    import torch.distributed  # finished work is found without it

    torch.distributed.init_process_group("gloo", timeout=_LONGEST)
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


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
