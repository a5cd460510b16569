"""The figure of a table's trainings."""

import io
from dataclasses import replace
from pathlib import Path

import matplotlib
import pytest
from PIL import Image

from vistok.errors import VistokError
from vistok.files import write_json
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.grid.tables import Row
from vistok.pages.curves import Training, draw_curves, trainings
from vistok.steps import draw_curves as step
from vistok.training.curves import write_curves

POINTS = [{"step": step, "loss": 3.0 / step, "rate": 1e-3 * step} for step in (1, 2, 3, 4)]
PROBE = {
    "linear": {"value": 86.0, "error": 0.5},
    "mlp": {"value": 90.0, "error": 0.4},
    "shares": {"category": {"value": 20.0, "error": 0.4}, "place": {"value": 1.0, "error": 0.1}},
    "rank": 12.0,
    "amiss": [],
}
ROWS = (
    Row(tokenizer="deit", recipe="frozen", llm="vicuna-7b"),
    Row(tokenizer="clip", recipe="frozen", llm="vicuna-7b", seeds=(0, 1)),
    Row(tokenizer="clip", recipe="tuned", llm="vicuna-7b"),
)


def study_of(scale: str) -> Study:
    study = load_study(scale)
    bare = study.scale.model_copy(update={"floors": {}, "ceilings": {}})
    study = replace(study, scale=bare)
    return replace(study, tables={"table-2": study.table("table-2").model_copy(update={"rows": ROWS})})


def write_all(study: Study) -> None:
    paths = Paths(study)
    folders = [
        paths.pretrained("deit/seed-0"),
        paths.pretrained("clip/seed-0"),
        paths.pretrained("clip/seed-1"),
        paths.llm("vicuna-7b"),
        paths.llm("llama-7b"),
    ]
    for folder in folders + [paths.mllm(run) for run in study.runs()]:
        write_curves(folder, POINTS)
        write_json(folder / "config.json", {"probe": PROBE})


@pytest.fixture
def checkout_here(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "workflow").symlink_to(repository / "workflow")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        step, "_check", lambda *_: None
    )  # there are curves here, and nothing else of a checkpoint
    return tmp_path


@pytest.mark.usefixtures("checkout_here")
def test_a_scale_shows_the_trainings_that_it_makes_itself() -> None:
    study = study_of("mini")
    write_all(study)
    found = [(entry.group, entry.name, entry.family, entry.style) for entry in trainings(study, "table-2")]
    assert found == [
        ("tokenizers", "deit, seed 0", "deit", 0),
        ("tokenizers", "clip, seed 0", "clip", 0),
        ("tokenizers", "clip, seed 1", "clip", 1),
        ("llms", "llama-7b", "llama-7b", 0),
        ("llms", "vicuna-7b", "vicuna-7b", 0),
        ("mllms", "deit, frozen, seed 0", "deit", 0),
        ("mllms", "clip, frozen, seed 0", "clip", 0),
        ("mllms", "clip, frozen, seed 1", "clip", 2),
        ("mllms", "clip, tuned, seed 0", "clip", 1),
    ]
    paper = study_of("paper")
    for run in paper.runs():
        write_curves(Paths(paper).mllm(run), POINTS)
    assert {entry.group for entry in trainings(paper, "table-2")} == {"mllms"}


def test_the_step_draws_the_models_that_answered(checkout_here: Path) -> None:
    write_all(study_of("mini"))
    step.run(study_of("mini"), "table-2")
    mini = checkout_here / "paper_tables" / "mini" / "table-2-curves.png"
    with Image.open(mini) as picture:
        assert picture.width == 1440
    assert {path.name for path in mini.parent.iterdir()} == {mini.name, "table-2-probes.svg"}


def test_the_excerpt_scale_shows_the_mini_scale_trainings(checkout_here: Path) -> None:
    mini, excerpt = study_of("mini"), study_of("excerpt")
    write_all(mini)
    step.run(replace(excerpt, other_models_study=mini), "table-2")
    step.run(mini, "table-2")
    drawn = [checkout_here / "paper_tables" / scale / "table-2-curves.png" for scale in ("mini", "excerpt")]
    assert drawn[0].read_bytes() == drawn[1].read_bytes()


@pytest.mark.usefixtures("checkout_here")
def test_a_missing_curve_is_named_and_no_picture_is_left() -> None:
    study = study_of("mini")
    write_all(study)
    (Paths(study).llm("llama-7b") / "curves.csv").unlink()
    with pytest.raises(VistokError, match=r"checkpoints/mini/llms/llama-7b/curves\.csv"):
        step.run(study, "table-2")
    assert not Path("paper_tables").exists()


def test_the_picture_depends_on_the_curves_alone() -> None:
    drawn = [Training("mllms", "clip, frozen", "clip", 0, POINTS)]
    before = draw_curves(drawn, "Table 2")
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 5}):
        assert draw_curves(drawn, "Table 2") == before
    other = [replace(drawn[0], points=[*POINTS[:-1], POINTS[-1] | {"loss": 2.0}])]
    assert draw_curves(other, "Table 2") != before
    assert set(Image.open(io.BytesIO(before)).info) == {"dpi"}


def test_losses_below_zero_and_many_tokenizers_can_be_drawn() -> None:
    points = [point | {"loss": point["loss"] - 2} for point in POINTS]
    many = [
        Training("tokenizers", f"tokenizer-{index}", f"tokenizer-{index}", 0, points) for index in range(12)
    ]
    twelve = Image.open(io.BytesIO(draw_curves(many, "Table 2")))
    many += [Training("tokenizers", f"more-{index}", "more", 0, points) for index in range(12)]
    assert Image.open(io.BytesIO(draw_curves(many, "Table 2"))).height > twelve.height
