"""Draws the loss and learning-rate curves of all trainings behind one table."""

from collections.abc import Sequence

from vistok.chain.checkpoints import check_llm, check_mllm, check_tokenizer
from vistok.files import staged_file
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.grid.values import Run
from vistok.pages.curves import draw_curves, trainings


def run(study: Study, table: str) -> None:
    """Writes `paper_tables/<results>/<table>-curves.png`.

    Raises:
        VistokError: a checkpoint of the table cannot be trusted, or has no curves.csv, or a wrong one.
    """
    _check(study.models, study.runs(table))
    title = f"Table {study.table(table).number}: trainings of the scale {study.models.scale.id}"
    picture = draw_curves(trainings(study.models, table), title)
    with staged_file(Paths(study).curves(table)) as partial:
        partial.write_bytes(picture)


def _check(models: Study, runs: Sequence[Run]) -> None:
    """Refuses curves of other trainings than the table shows: each checkpoint must be whole and of this study."""
    for pretrained in dict.fromkeys(run.pretrained for run in runs if models.pretrains(run.tokenizer)):
        check_tokenizer(models, pretrained)
    for llm in dict.fromkeys(run.llm for run in runs) if models.scale.language_model else ():
        check_llm(models, llm)
    for run in runs:
        check_mllm(models, run)
