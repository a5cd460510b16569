"""The digests of code by which Snakemake reruns what an edit touches, and nothing else."""

from vistok.errors import VistokError
from vistok.grid.study import Study
from vistok.sources import imported_modules, source_digest
from vistok.versions.experiments import encoder_module, objective_module


def code(step: str, *chosen: str) -> str:
    """Returns the digest of a step's own code and of the package code that it imports.

    Args:
        step: a module of `vistok.steps`.
        chosen: the modules that it looks up by an id of the grid: others of their kind do not count.

    Raises:
        VistokError: the step does not import one of them.
    """
    module = f"vistok.steps.{step}"
    if missing := set(chosen) - imported_modules(module, *chosen):
        raise VistokError(
            f"{module} does not import {', '.join(sorted(missing))}: fix `code` in the rule of {step}."
        )
    return source_digest(module, *chosen)


def run_code(step: str, study: Study, tokenizer: str) -> str:
    """Returns the digest of a step that builds one tokenizer's encoder."""
    return code(step, encoder_module(study, tokenizer))


def pretraining_code(study: Study, tokenizer: str) -> str:
    """Returns the digest of the step that pretrains a tokenizer under its supervision."""
    chosen = objective_module(study, tokenizer), encoder_module(study, tokenizer)
    return code("pretrain_tokenizer", *chosen)
