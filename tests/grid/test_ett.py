"""What is declared of ETT is read before any rule asks for it."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from vistok.errors import VistokError
from vistok.grid.ett_reconstruction import reconstruction_spec
from vistok.grid.ett_scale import check_grid
from vistok.grid.load import load_study


def test_a_wrong_file_is_refused(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(repository / "workflow", tmp_path / "workflow")
    monkeypatch.chdir(tmp_path)
    for scale in ("mini", "smoke", "excerpt"):
        check_grid(load_study(scale))
    size = tmp_path / "workflow/scales/ett/smoke.yaml"
    size.write_text(size.read_text().replace("  batch:", "  btch:"))
    with pytest.raises(VistokError, match=r"unknown key 'btch'\. Did you mean 'batch'\?"):
        check_grid(load_study("smoke"))
    (tmp_path / "workflow/grid/ett/tables.yaml").unlink()
    with pytest.raises(VistokError, match=r"tables\.yaml is missing"):
        check_grid(load_study("mini"))


def test_a_recipe_that_needs_a_net_of_the_scales_own_is_none_elsewhere(repository: Path) -> None:
    """Its training would end at the start of its second stage, and a plan would count hours for it."""
    study = load_study("paper", root=repository)
    assert study.recipe("embedding-frozen").trains
    with pytest.raises(VistokError, match=r"unknown recipe 'embedding-tuned'\. Did you mean"):
        study.recipe("embedding-tuned")
    assert load_study("mini", root=repository).recipe("embedding-tuned").tokenizer_loss == 0.25


@pytest.mark.parametrize("change", [{"protocol": "corrected"}, {"metric": "MAE"}])
def test_another_scoring_measures_reconstructions_again(repository: Path, change: dict[str, str]) -> None:
    study = load_study("mini", root=repository)
    task = study.task("coco-oc").model_copy(update=change)
    assert task != study.task("coco-oc")
    changed = replace(study, tasks={**study.tasks, "coco-oc": task})
    assert reconstruction_spec(changed) != reconstruction_spec(study)
    other = replace(study, scale=study.scale.model_copy(update={"bootstrap_resamples": 7}))
    assert reconstruction_spec(other) != reconstruction_spec(study)
