"""Draws what was measured of the trainings behind one table: their loss curves, and the probes of its tokenizers."""

from collections.abc import Sequence

from vistok.chain.checkpoints import check_llm, check_mllm, check_tokenizer
from vistok.files import staged_file, write_text
from vistok.grid.paths import Paths
from vistok.grid.runs import Run
from vistok.grid.study import Study
from vistok.pages.curves import draw_curves, trainings
from vistok.pages.probes import Probed, probed, probes_figure


def run(study: Study, table: str) -> None:
    """Writes `paper_tables/<results>/<table>-curves.png`, and `-probes.svg` where the scale pretrains tokenizers.

    Raises:
        VistokError: a checkpoint of the table cannot be trusted, or has no curves.csv or no probe, or a wrong one.
    """
    number, models_study, paths = study.table(table).number, study.models_study, Paths(study)
    _check(models_study, study.runs(table))
    picture = draw_curves(
        trainings(models_study, table), f"Table {number}: trainings of the scale {models_study.scale.id}"
    )
    figure = _probes(models_study, table, f"Table {number}: what tokens tell of the boxes that they lie in")
    with staged_file(paths.curves(table)) as partial:
        partial.write_bytes(picture)
    if models_study.scale.encoders:
        write_text(paths.probes(table), figure)


def _check(models_study: Study, runs: Sequence[Run]) -> None:
    """Refuses curves of other trainings than the table shows: each checkpoint must be whole and of this study."""
    for pretrained in dict.fromkeys(run.pretrained for run in runs if models_study.pretrains(run.tokenizer)):
        check_tokenizer(models_study, pretrained)
    for llm in dict.fromkeys(run.llm for run in runs) if models_study.scale.language_model else ():
        check_llm(models_study, llm)
    for run in runs:
        check_mllm(models_study, run)


def _probes(models_study: Study, table: str, title: str) -> str:
    if not models_study.scale.encoders:
        return ""
    return probes_figure([*probed(models_study, table), *_ceilings(models_study, table)], title)


def _ceilings(models_study: Study, table: str) -> list[Probed]:
    """Returns the probes of a table's ceilings, which no training has written: the true contents need none."""
    names = dict.fromkeys(
        run.tokenizer
        for run in models_study.runs(table)
        if run.tokenizer in models_study.scale.ceilings.values()
    )
    if not names or not models_study.scale.probe_set:
        return []
    from vistok.steps.probe_set import probe_rows  # imports torch

    shards = Paths(models_study).shards(models_study.scale.probe_set)
    return [
        Probed(name, "ceiling", (probe_rows(models_study.encoder(name), shards).plain(),)) for name in names
    ]
