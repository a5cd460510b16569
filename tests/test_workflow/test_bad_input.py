"""Bad input on the level of the workflow: one clear error, nothing written."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import timm
from safetensors.torch import save_file

BLIND = "results/smoke-dev/blind/coco-oc/metrics.json"


def refusal(built: Any, *arguments: str, scale: str = "smoke") -> str:
    """Returns the one error that vistok said; nothing may have been written."""
    before = built.files()
    status, output = built.snakemake(*arguments, scale=scale, starts_jobs=False)
    assert status == 1, output
    assert "Traceback" not in output
    assert built.files() == before
    errors = [line for line in output.splitlines() if line.startswith("vistok: ")]
    assert len(errors) == 1, output
    return errors[0]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (
            ("scal=mini",),
            "unknown config key 'scal'. Did you mean 'scale'? Legal: data_root, scale, seeds, split.",
        ),
        (("split=tset",), "unknown split 'tset'. Did you mean 'test'? Legal: dev, test."),
        (("data_root=elsewhere",), "the scale 'smoke' makes its own data: no data_root can be given."),
    ],
)
def test_a_wrong_config_value(built: Any, config: tuple[str, ...], expected: str) -> None:
    assert expected in refusal(built, "--config", *config)


def test_an_unknown_scale(built: Any) -> None:
    assert "unknown scale 'smok'. Did you mean 'smoke'?" in refusal(built, scale="smok")


def test_a_missing_data_root_is_said_before_any_job(built: Any) -> None:
    error = refusal(built, "--config", "data_root=nowhere", scale="excerpt")
    assert "the data root nowhere of the scale 'excerpt' does not exist" in error
    assert "--config data_root=FOLDER" in error
    error = refusal(built, "--config", "data_root=Snakefile", scale="excerpt")
    assert "the data root Snakefile of the scale 'excerpt' is a file, not a folder" in error


@pytest.mark.parametrize("there", [(), ("gvtbench/coco_oc.json",), ("coco/val2017/000000000139.jpg",)])
def test_a_data_root_that_asks_nothing_is_said_before_any_job(
    built: Any, tmp_path: Path, there: tuple[str, ...]
) -> None:
    for name in there:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    error = refusal(built, "--config", f"data_root={tmp_path}", scale="excerpt")
    assert f"no task has its question files and photographs in {tmp_path}" in error


def test_an_unknown_tokenizer_in_a_row(built: Any) -> None:
    with built.changed(
        "workflow/grid/tables.yaml", lambda tables: tables["table-2"]["rows"][0].update(tokenizer="diet")
    ):
        error = refusal(built)
    assert "unknown tokenizer 'diet'. Did you mean 'deit'?" in error
    assert "workflow/grid/tokenizers.yaml" in error


def test_an_unknown_tokenizer_on_the_command_line(built: Any) -> None:
    status, output = built.snakemake("results/smoke/clpi/frozen/vicuna-7b/seed-0/coco-oc/metrics.json", "-n")
    assert status == 1
    assert "unknown tokenizer 'clpi'. Did you mean 'clip'?" in output


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            "paper_tabels",
            "unknown target 'paper_tabels'. Did you mean 'paper_tables'? Legal: controlled_study, ",
        ),
        (
            "paper_tables/smoke/claim.html",
            "'paper_tables/smoke/claim.html'. Did you mean 'paper_tables/smoke/claims.",
        ),
        (
            "paper_tables/smoke/table2.html",
            "Did you mean 'paper_tables/smoke/table-2.html'?",
        ),
        (
            "results/smoke/blind/coco-oc/metric.json",
            "Did you mean 'results/smoke/blind/coco-oc/metrics.json'?",
        ),
        ("paper_tables/published/table2.csv", "no rule makes the file 'paper_tables/published/table2.csv'"),
        (
            "tabulate",
            "the rule 'tabulate' makes many files. Ask for one by its path: paper_tables/smoke/{table}.",
        ),
        ("paper_tables --until tune_mlm", "unknown target 'tune_mlm'. Did you mean 'tune_mllm'?"),
        (
            "paper_tables --omit-from results/smoke/blind/vqav2/metric",
            "Did you mean 'results/smoke/blind/vqav2/metrics",
        ),
    ],
)
def test_a_name_that_no_rule_and_no_file_has(built: Any, words: str, expected: str) -> None:
    assert expected in refusal(built, *words.split(), "-n")


def test_names_that_something_has_are_left_to_snakemake(built: Any) -> None:
    built.build("./paper_tables/smoke/claims.html", "-n", "--until", "tune_mllm", "tabulate")


def test_a_row_that_the_paper_has_not(built: Any) -> None:
    with built.changed(
        "workflow/grid/tables.yaml", lambda tables: tables["table-2"]["rows"][0].update(published=40)
    ):
        assert "row 40 of the paper's Table 2. Legal: 1..12" in refusal(built)


def test_broken_yaml(built: Any) -> None:
    with built.edited("workflow/grid/recipes.yaml", "frozen:", "frozen: ["):
        assert "workflow/grid/recipes.yaml is not valid YAML" in refusal(built)


def test_a_results_folder_that_cannot_be_written(built: Any) -> None:
    # A file in its place: even a superuser, whom permissions do not stop, cannot write below it.
    in_the_way = built.root / "results/smoke-dev"
    in_the_way.touch()
    try:
        error = refusal(built, BLIND, "--config", "split=dev")
    finally:
        in_the_way.unlink()
    assert "cannot write to results/smoke-dev" in error


def test_a_missing_photograph_where_none_may_be(built: Any, tmp_path: Path) -> None:
    photograph = min((built.root / "data/smoke/coco/dev2017").iterdir())
    shutil.move(photograph, tmp_path)
    try:
        error = refusal(built, BLIND, "--config", "split=dev")
    finally:
        shutil.move(tmp_path / photograph.name, photograph)
    assert photograph.stem.lstrip("0") in error


def test_a_truncated_photograph(built: Any, official: Path) -> None:
    photograph = min((official / "coco/val2017").iterdir())
    photograph.write_bytes(photograph.read_bytes()[:200])
    answers = "results/excerpt/clip/frozen/vicuna-7b/seed-0/coco-oc/predictions.jsonl"
    error = refusal(built, answers, "--config", f"data_root={official}", scale="excerpt")
    assert photograph.name in error


def test_a_typo_in_a_rerun_costs_no_finished_training(built: Any, tmp_path: Path) -> None:
    """What would fail in seconds is refused before Snakemake removes the outputs that it would make again."""
    weights = tmp_path / "mine.safetensors"
    model = timm.create_model("vit_tiny_patch16_224", img_size=48, patch_size=16, num_classes=0)
    save_file(model.state_dict(), weights)
    encoder = {
        "library": "timm",
        "name": "vit_tiny_patch16_224",
        "arguments": {"img_size": 48, "depth": 11},
        "weights": str(weights),
        "image_size": 48,
        "normalisation": "imagenet",
        "tokens": 10,
        "width": 192,
        "parameters_m": 5.4,
        "source": "ours",
    }
    entry = {"label": "Mine", "supervision": "self", "published_images": "-", "encoder": encoder}
    row = {"tokenizer": "mine", "recipe": "frozen", "llm": "vicuna-7b"}
    finished = built.root / "checkpoints/smoke/mllms/mine/frozen/vicuna-7b/seed-0/model.safetensors"
    finished.parent.mkdir(parents=True)
    finished.write_bytes(b"days of work")
    with (
        built.changed("workflow/grid/tokenizers.yaml", lambda grid: grid.update(mine=entry)),
        built.changed("workflow/grid/tables.yaml", lambda tables: tables["table-2"]["rows"].append(row)),
    ):
        error = refusal(built)
    assert "weights of mine: " in error and "vistok doctor --scale smoke" in error
    shutil.rmtree(built.root / "checkpoints/smoke/mllms/mine")
