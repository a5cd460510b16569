"""How jobs start: what stands in front of each one's command, and from which process local ones are forked."""

import atexit
import os
import shlex
import sys
from pathlib import Path
from typing import Final

from vistok.chain.checkpoints import IN_WORKFLOW
from vistok.grid.study import Study
from vistok.workflow.forkserver import FOLDER, ForkServer

# No job contacts a model hub.
_ENVIRONMENT: Final = {
    IN_WORKFLOW: "1",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
}


def prefix(*, quiet: bool) -> str:
    """Returns the shell code in front of each job's command, in which Snakemake wants braces doubled.

    Jobs use the `vistok` next to this snakemake, and fail if vistok does, but not if only their log cannot be written.
    A cluster sends SIGTERM to every process of a job: shell and log ignore it, so that vistok can save its state first.

    Args:
        quiet: whether a job prints to its log only.
    """
    programs = shlex.quote(str(Path(sys.executable).parent))
    settings = " ".join(f"{name}={value}" for name, value in _ENVIRONMENT.items())
    return (
        "set -euo pipefail; trap '' TERM; "
        f"export PATH=${{{{{FOLDER}:+${FOLDER}:}}}}{programs}:$PATH {settings}; "
        + ("exec > /dev/null; " if quiet else "")
    )


def fork_jobs(study: Study, jobs: int) -> None:
    """Has the jobs of this machine forked from one process, which ends with this one, where that saves time.

    Not where jobs use GPUs, whose driver no process may have touched before it is forked, and not outside Linux.

    Args:
        study: whose models run.
        jobs: how many are about to start.
    """
    uses_gpus = any(job.gpus for job in study.scale.resources.values())
    if jobs > 1 and sys.platform == "linux" and not uses_gpus and FOLDER not in os.environ:
        server = ForkServer(environment={**os.environ, **_ENVIRONMENT})
        os.environ[FOLDER] = str(server.folder)
        atexit.register(server.close)
