"""What is declared of ETT is read before any rule asks for it."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from vistok.errors import VistokError
from vistok.grid.ett_drawing import drawing_jobs
from vistok.grid.ett_files import ett_runs, longer_spec
from vistok.grid.ett_reconstruction import reconstruction_spec
from vistok.grid.ett_scale import check_grid, longer_training, tables_of
from vistok.grid.load import load_study
from vistok.grid.marks import counted
from vistok.grid.specs import mllm_spec
from vistok.grid.steps import STEPS


@pytest.fixture
def checkout(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the grid, in which the test is."""
    shutil.copytree(repository / "workflow", tmp_path / "workflow")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_wrong_file_is_refused(checkout: Path) -> None:
    for scale in ("mini", "smoke", "excerpt", "paper"):
        check_grid(load_study(scale))
    size = checkout / "workflow/scales/ett/smoke.yaml"
    size.write_text(size.read_text().replace("  batch:", "  btch:"))
    with pytest.raises(VistokError, match=r"unknown key 'btch'\. Did you mean 'batch'\?"):
        check_grid(load_study("smoke"))
    (checkout / "workflow/grid/ett/tables.yaml").unlink()
    with pytest.raises(VistokError, match=r"tables\.yaml is missing"):
        check_grid(load_study("mini"))


def test_a_recipe_that_needs_a_perceptual_net_is_none_where_there_is_none(checkout: Path) -> None:
    """Its training would end at the start of its second stage, and a plan would count hours for it."""
    (checkout / "workflow/scales/ett/paper.yaml").unlink()
    study = load_study("paper")
    assert study.recipe("embedding-frozen").trains and not study.second_system.tokenizers
    with pytest.raises(VistokError, match=r"unknown recipe 'embedding-tuned'\. Did you mean"):
        study.recipe("embedding-tuned")
    assert load_study("mini").recipe("embedding-tuned").tokenizer_loss == 0.25


@pytest.mark.parametrize("change", [{"protocol": "corrected"}, {"metric": "MAE"}])
def test_another_scoring_measures_reconstructions_again(repository: Path, change: dict[str, str]) -> None:
    study = load_study("mini", root=repository)
    task = study.task("coco-oc").model_copy(update=change)
    assert task != study.task("coco-oc")
    changed = replace(study, tasks={**study.tasks, "coco-oc": task})
    assert reconstruction_spec(changed) != reconstruction_spec(study)
    other = replace(study, scale=study.scale.model_copy(update={"bootstrap_resamples": 7}))
    assert reconstruction_spec(other) != reconstruction_spec(study)


def test_the_control_and_the_tuned_rows_depend_on_what_their_images_are_drawn_and_cut_by(
    repository: Path,
) -> None:
    """`places` and `positions`; where a scale has neither, on nothing more."""
    for name in ("mini", "smoke"):
        study = load_study(name, root=repository)
        assert longer_spec(study) == counted(longer_training(study))
    paper = load_study("paper", root=repository)
    longer = longer_spec(paper)
    assert {name: longer[name] for name in longer.keys() - counted(longer_training(paper)).keys()} == {
        "repeats": [1, 1, 50, 5, 2, 1, 2], "positions": 4560,
    }  # fmt: skip
    for run in ett_runs(paper):
        cut = {"positions": 4560} if paper.recipe(run.recipe).tokenizer_loss else {}
        assert {key: value for key, value in mllm_spec(paper, run).items() if key == "positions"} == cut, run
    mini = load_study("mini", root=repository)
    assert not any("positions" in mllm_spec(mini, run) for run in ett_runs(mini))


def test_a_released_tokenizer_stands_where_others_are_trained(checkout: Path) -> None:
    study = load_study("paper")
    release, own = study.encoder("ibq-262144-512"), study.second_system.tokenizers
    assert {name: entry.encoder.weights for name, entry in own.items()} == {
        "ibq": "ett/ibq", "ibq-codes": "ett/ibq", "ibq-longer": "ett/ibq-longer",
    }  # fmt: skip
    assert own["ibq"].encoder.arguments == release.arguments and own["ibq"].encoder.tokens == 1024
    assert own["ibq-codes"].encoder.width == 262_144 and "131,072 codes" in str(own["ibq"].substitute)
    assert study.recipe("embedding-tuned-half").tokenizer_loss == 0.5
    longer = longer_training(study)
    assert (longer.steps, longer.batch, longer.network.codes, longer.parameters_m) == (
        11_719,
        1024,
        262_144,
        173.89,
    )
    assert (longer.adversarial, longer.lecam, longer.entropy, longer.perceptual) == (0.1, 0.05, 0.05, ())
    made = {step: [*map(str, STEPS[step].outputs(study))] for step in ("train-cell-nets", "train-ibq")}
    assert made == {
        "train-cell-nets": [], "train-ibq": ["checkpoints/paper/ett/ibq", "checkpoints/paper/ett/perceptual"],
    }  # fmt: skip
    read = [*map(str, STEPS["train-ibq"].inputs(study))]
    assert read[0] == "data/digests/paper/weights-of-tokenizers/ibq-262144-512.json" and len(read) == 4
    assert drawing_jobs(study, ett_runs(study)) == [
        (f"{row}/qwen-2-5/seed-0",)
        for row in (
            "ibq-codes/index-frozen",
            "ibq/embedding-frozen",
            "ibq/embedding-tuned",
            "ibq-longer/embedding-frozen",
        )
    ]
    shown = [*map(str, STEPS["show-ett"].inputs(study))]
    assert "results/paper/ibq/embedding-tuned/qwen-2-5/seed-0/gqa/metrics.json" in shown
    assert "results/paper/ett/blind/vqav2/metrics.json" in shown, "no language model of the study is needed"
    assert [path for path in shown if path.startswith("results/paper/ett") and "blind" not in path] == [
        "results/paper/ett/reconstruction.json",
        "results/paper/ett/generation.json",
    ]
    assert STEPS["make-prompts"].outputs(study) == []
    learnt = [*map(str, STEPS["teach-drawing"].inputs(study, "ibq/embedding-frozen/qwen-2-5/seed-0"))]
    assert learnt[:2] == [
        "shards/paper/coco-train",
        "checkpoints/paper/mllms/ibq/embedding-frozen/qwen-2-5/seed-0",
    ]
    assert "checkpoints/paper/ett/ibq" in learnt
    drawn = [*map(str, STEPS["generate"].inputs(study))]
    assert "checkpoints/paper/ett/drawers/ibq/embedding-tuned/qwen-2-5/seed-0" in drawn
    assert not [path for path in drawn if "judge" in path or "ett-generation" in path]
    read = [*map(str, STEPS["reconstruct"].inputs(study))]
    assert read[:2] == ["checkpoints/paper/ett/ibq", "checkpoints/paper/ett/ibq-longer"]
    assert "checkpoints/paper/mllms/ibq/embedding-tuned-alone/qwen-2-5/seed-0" in read
    assert not [path for path in read if "judge" in path or "clip" in path]
    assert reconstruction_spec(study)["number"] == 50_000


def test_columns_that_wait_elsewhere_are_answered_where_their_files_are(checkout: Path) -> None:
    for scale, task in (("mini", None), ("paper", "textvqa")):
        assert tables_of(load_study(scale))["table-4"].columns["TextVQA"].task == task
    for scale, prompts in (("mini", "plain"), ("paper", "published")):
        assert tables_of(load_study(scale))["table-4"].columns["GenEval"].generation == prompts


def test_words_that_only_the_rendered_tables_print_render_them_again(checkout: Path) -> None:
    def spec() -> object:
        return STEPS["show-ett"].spec(load_study("paper"))

    seen = [spec()]
    for name, old, new in (
        ("scales/ett/paper.yaml", "metric: share of images", "metric: share of all images"),
        ("grid/tokenizers.yaml", "of 256 pixels, stands in", "of 256 pixels, is here"),
    ):
        file = checkout / "workflow" / name
        assert old in file.read_text(), name
        file.write_text(file.read_text().replace(old, new))
        seen.append(spec())
    assert seen[0] != seen[1] != seen[2]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tokenizer": {"released": "ibq-26"}}, r"unknown tokenizer 'ibq-26'.*ibq-262144"),
        ({"tokenizer": {"released": "clip"}}, "'clip', of which no embeddings of codes are read. Legal: ibq-16384, "),
        ({"tokenizer": {"images": ["coco-tran"]}}, r"unknown image set 'coco-tran'\. Did you mean 'coco-train'\?"),
        ({"generation": {"pairs": ["coco-tran"]}}, r"unknown image set 'coco-tran'\. Did you mean 'coco-train'\?"),
        ({"tokenizer": {"images": ["coco-train", "sbu"]}}, r"tokenizer\.images: .*at most 1 item"),
        ({"tokenizer": {"steps": 3}}, r"tokenizer: unknown key 'steps'\. Legal: adversarial, .*released"),
        ({"columns": {"GQ": {"task": "gqa"}}}, r"unknown column 'GQ'\. Did you mean 'GQA'\?"),
        ({"reconstruction": {"side": 0}}, r"reconstruction\.side: Input should be greater than 0"),
        ({"reconstruction": {"sides": 3}}, r"unknown key 'sides'\. Did you mean 'side'"),
        ({"llm": "qwen"}, r"unknown llm 'qwen'\. Did you mean"),
    ],
)  # fmt: skip
def test_a_release_that_is_none_is_refused(checkout: Path, change: dict[str, Any], said: str) -> None:
    file = checkout / "workflow/scales/ett/paper.yaml"
    entry = yaml.safe_load(file.read_text())
    for name, value in change.items():
        entry[name] = {**entry[name], **value} if isinstance(value, dict) else value
    file.write_text(yaml.safe_dump(entry))
    with pytest.raises(VistokError, match=said):
        check_grid(load_study("paper"))


def test_a_scale_that_trains_its_tokenizer_needs_its_nets(checkout: Path) -> None:
    file = checkout / "workflow/scales/ett/smoke.yaml"
    entry = yaml.safe_load(file.read_text())
    del entry["features"]
    file.write_text(yaml.safe_dump(entry))
    with pytest.raises(
        VistokError, match="features is missing: a tokenizer that is trained, and images of made"
    ):
        check_grid(load_study("smoke"))
