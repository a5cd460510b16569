"""Scales between mini and paper: what takes the place of what, under its own name."""

from pathlib import Path

import pytest
import yaml
from tests.grid.conftest import Checkout

from vistok.errors import VistokError
from vistok.grid.load import load_study
from vistok.grid.tables import Row
from vistok.planning.plan import make_plan


def test_a_smaller_language_model_takes_vicunas_place(repository: Path) -> None:
    study = load_study("one-gpu", root=repository)
    rows = [row for row in study.rows("table-2") if isinstance(row, Row)]
    assert {row.llm for row in rows} == {"tinyllama-1b"}
    assert [row.published for row in rows] == list(range(1, 13)), "the tokenizers are the paper's"
    assert study.llm("tinyllama-1b").parameters_m < study.llm("vicuna-7b").parameters_m / 6


def test_a_smaller_tokenizer_is_none_of_the_papers(repository: Path) -> None:
    study = load_study("laptop-real", root=repository)
    rows = {row.tokenizer: row for row in study.rows("table-2") if isinstance(row, Row)}
    assert list(rows) == ["deit-small", "dino-small", "mae-base", "dinov2-small", "clip-20m", "clip-b32"]
    assert {name for name, row in rows.items() if row.published is not None} == {"clip-20m"}
    assert study.run("clip-b32/frozen/smollm2-135m/seed-0") in study.runs("table-2")


@pytest.mark.parametrize("scale", ["one-gpu", "laptop-real"])
def test_nothing_that_nobody_measured_is_a_target(
    repository: Path, monkeypatch: pytest.MonkeyPatch, scale: str
) -> None:
    monkeypatch.chdir(repository)
    study = load_study(scale)
    assert study.scale.published_tolerance == {}
    plan = make_plan(study, study.subjects("table-2"))
    assert plan.hours(gpu=scale == "one-gpu") > 10 and plan.disk > 1e9


@pytest.mark.parametrize("change", [{"vicuna-7b": "vicuna-8b"}, {"clp": "clip"}, {"clip": "smollm2-135m"}])
def test_a_stand_in_that_is_none_is_refused(checkout: Checkout, change: dict[str, str]) -> None:
    path = checkout.root / "workflow/scales/laptop-real.yaml"
    scale = yaml.safe_load(path.read_text()) | {"stand_ins": change}
    path.write_text(yaml.safe_dump(scale))
    with pytest.raises(VistokError, match=r"unknown (llm|tokenizer)"):
        checkout.load("laptop-real")
