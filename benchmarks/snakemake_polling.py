"""Snakemake, asking Slurm about its jobs every second: the executor's own pauses grow by ten seconds at a time.

For jobs of seconds, in tests and measurements; what is submitted, and how its end is judged, stays as it is.
"""

import asyncio
import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor


async def sleep(executor: RemoteExecutor) -> None:
    await asyncio.sleep(1)


RemoteExecutor.sleep = sleep
sys.exit(main())
