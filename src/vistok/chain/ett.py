"""Reads the blind baselines that ETT's tables have of their own, and checks what they were made from."""

from pathlib import Path
from typing import Any

from vistok.chain.results import blind_inputs, check_predictions, references_digest
from vistok.errors import VistokError
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.grid.tasks import Task
from vistok.provenance import unsealed
from vistok.reading import read_json


def read_ett_blind(study: Study, path: Path, task: Task, llm: str) -> dict[str, Any]:
    """Returns a metrics.json, after checking it against the references and the answers that it was made from.

    Args:
        llm: the language model that was asked without the image.

    Raises:
        VistokError: it was changed since, or what it was scored from was.
    """
    report = unsealed(path, read_json(path, what="metrics"))
    references, predictions = references_digest(study, task), Paths(study).blind_predictions(llm, task.id)
    changed = [task.id] if references is not None and report.get("references") != references else []
    if predictions.is_file():
        digest = check_predictions(predictions, blind_inputs(study, llm, task))
        changed += [str(predictions)] if report.get("inputs", {}).get(llm) != digest else []
    if changed:
        raise VistokError(
            f"{path} cannot be trusted: {changed[0]} has changed since it was scored. Delete it and make it again with "
            "snakemake."
        )
    return report
