"""Scores answers that never look at the image for ETT's tables, where its language model is none of the study's."""

from vistok.grid.ett_files import blind_file
from vistok.grid.ett_scale import read_scale
from vistok.grid.study import Study
from vistok.steps.fit_blind import fit


def run(study: Study, suite: str) -> None:
    """Writes `results/<results>/ett/blind/<task>/metrics.json` of every task of a suite.

    Raises:
        VistokError: the scale has no models of ETT, or the answers of its language model are missing or changed.
    """
    files = {task.id: blind_file(study, task.id) for task in study.suite(suite)}
    fit(study, suite, [read_scale(study).llm], files)
