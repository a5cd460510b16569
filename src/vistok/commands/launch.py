"""`vistok launch`: starts a training's processes, one per GPU, by Slurm where it gave this job its place."""

import argparse
import os
import shutil
from collections.abc import Mapping, Sequence

from vistok.errors import VistokError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok launch`."""
    parser.add_argument("--processes", type=int, required=True, help="on all nodes together, one per GPU")
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--cpus", type=int, default=1, help="of each process")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="what each process runs")


def run(args: argparse.Namespace) -> None:
    """Becomes the launcher.

    Raises:
        VistokError: no command is given, or several nodes are asked for outside an allocation of Slurm.
    """
    if not args.command:
        raise VistokError(
            "no command to launch. Name it last: vistok launch --processes 2 vistok tune-mllm RUN"
        )
    command = launcher(args.processes, args.nodes, args.cpus, os.environ) + args.command
    os.execvp(command[0], command)


def launcher(processes: int, nodes: int, cpus: int, environment: Mapping[str, str]) -> Sequence[str]:
    """Returns the words before a command that start it once per GPU.

    Slurm starts them where this is a job of its own, not wherever its commands are installed: on a login node they
    would ask for another allocation.

    Raises:
        VistokError: several nodes, and this is no job of Slurm.
    """
    if "SLURM_JOB_ID" in environment and shutil.which("srun", path=environment.get("PATH")):
        shape = [f"--ntasks={processes}", f"--nodes={nodes}", f"--cpus-per-task={cpus}"]
        return ["srun", "--kill-on-bad-exit", *shape]
    if nodes > 1:
        raise VistokError(
            f"{processes} processes on {nodes} nodes are started by Slurm, and this is not a job of it: there is no "
            "SLURM_JOB_ID. Submit it (--workflow-profile workflow/profiles/slurm), or ask for one node."
        )
    return ["torchrun", "--standalone", "--no-python", f"--nproc-per-node={processes}"]
