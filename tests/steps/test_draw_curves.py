"""Curves are drawn of the trainings that the table shows, or not at all."""

import pytest
from tests.chain.conftest import Maker, make, run_of  # noqa: F401

from vistok.errors import VistokError
from vistok.grid.paths import Paths
from vistok.steps import draw_curves


def test_a_checkpoint_of_another_training_is_not_drawn(make: Maker) -> None:  # noqa: F811
    study = make.study
    for llm in dict.fromkeys(
        name for run in study.runs("table-2") for name in (study.llm(run.llm).base, run.llm)
    ):
        if llm:
            make.llm(llm)
    for run in study.runs("table-2"):
        if study.pretrains(run.tokenizer) and not Paths(study).pretrained(run.pretrained).exists():
            make.tokenizer(run.pretrained.path)
    runs = study.runs("table-2")
    for run in runs:
        if study.pretrains(run.tokenizer):
            make.mllm(run)
    drawn = next(run for run in runs if study.pretrains(run.tokenizer))
    folder = make.paths.mllm(drawn)
    (folder / "model.safetensors").write_text("another training")
    with pytest.raises(VistokError, match="cannot be trusted"):
        draw_curves.run(study, "table-2")
    assert not make.paths.curves("table-2").exists()
