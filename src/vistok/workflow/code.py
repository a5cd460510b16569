"""The digests of code by which Snakemake reruns exactly what an edit touches."""

from vistok.errors import VistokError
from vistok.grid.step import Step
from vistok.sources import imported_modules, source_digest


def code(step: Step, *modules: str) -> str:
    """Returns the digest of a step's own code and of the package code that it imports.

    Args:
        modules: those that it looks up by an id of the grid: others of their kind do not count.

    Raises:
        VistokError: the step does not import one of them.
    """
    if missing := set(modules) - imported_modules(step.module, *modules, without=step.without):
        raise VistokError(
            f"{step.module} does not import {', '.join(sorted(missing))}: fix `modules` of {step.id!r} in "
            "grid/steps.py."
        )
    return source_digest(step.module, *modules, without=step.without)
