"""What reruns after an edit is exactly what depends on it."""

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

TABLE = {"tabulate table-2"}
CURVES = {"draw_curves table-2"}
DEIT, CLIP, TUNED = "deit/frozen", "clip/frozen", "clip/tuned"
BOUNDS = ("untrained/frozen", "untrained/tuned", "perfect/frozen", "perfect/tuned")
ALL = (DEIT, CLIP, TUNED, *BOUNDS)
OF_TUNED = (TUNED, "untrained/tuned", "perfect/tuned")
SHARDS = {f"write_shards {name}" for name in ("coco-train", "objects365", "imagenet", "web")}
LLMS = {"train_llm llama-7b", "train_llm vicuna-7b"}
BLIND = {"answer_blind_gvt vicuna-7b", "fit_blind_gvt"}
PRETRAINED = {f"pretrain_tokenizer {name}/seed-0" for name in ("deit", "clip", "untrained")}


def steps(*rows: str, of: tuple[str, ...] = ("tune_mllm", "answer_gvt", "score_run_gvt")) -> set[str]:
    return {f"{step} {row}" for row in rows for step in of}


EVERYTHING = {"make_world"} | BLIND | SHARDS | LLMS | PRETRAINED | steps(*ALL) | TABLE | CURVES


def test_nothing_changed(built: Any) -> None:
    assert built.jobs() == set()
    assert "Nothing to be done" in built.build("paper_tables")


def test_a_recipe_value_reruns_its_row(built: Any) -> None:
    with built.changed(
        "workflow/scales/smoke.yaml", lambda scale: scale["recipes"]["tuned"].update(rates={"tokenizer": 0.3})
    ):
        assert built.jobs() == steps(*OF_TUNED) | TABLE | CURVES


def test_a_label_reruns_the_table(built: Any) -> None:
    with built.changed("workflow/grid/tokenizers.yaml", lambda grid: grid["clip"].update(label="Clip")):
        assert built.jobs() == TABLE


def test_what_cannot_change_a_result_reruns_nothing(built: Any) -> None:
    """How often a state is saved, what a job asks for, and words that no table prints."""

    def change(scale: dict[str, Any]) -> None:
        scale["save_every"] = 7
        scale["resources"] = {"all": {"memory_mb": 2000}, "tune-mllm": {"gpus": 1}}

    with (
        built.changed("workflow/scales/smoke.yaml", change),
        built.changed(
            "workflow/grid/tokenizers.yaml", lambda grid: grid["clip"]["encoder"].update(source="?")
        ),
        built.changed("workflow/grid/recipes.yaml", lambda grid: grid["frozen"]["sources"].update(steps="?")),
    ):
        assert built.jobs() == set()


def test_comments_and_docstrings_rerun_nothing(built: Any) -> None:
    module = "src/vistok/mllm/connectors/resampler.py"
    first = (built.root / module).read_text().splitlines()[0]
    with built.edited(module, first, '"""Another docstring."""\n# A comment.'):
        assert built.jobs() == set()


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (
            "evaluation/score/counting.py",
            steps(*ALL, of=("score_run_gvt",)) | {"fit_blind_gvt"} | TABLE,
        ),
        (
            "evaluation/answer/generation.py",
            steps(*ALL, of=("answer_gvt", "score_run_gvt")) | BLIND | TABLE,
        ),
        ("evaluation/kinds/choice.py", set()),
        ("mllm/connectors/resampler.py", steps(*ALL) | TABLE | CURVES),
        ("mllm/connectors/linear.py", set()),
        (
            "supervision/objectives/contrastive.py",
            {"pretrain_tokenizer clip/seed-0"} | steps(CLIP, TUNED) | TABLE | CURVES,
        ),
        ("tokenizers/open_clip_encoder.py", set()),
        ("training/language.py", LLMS | BLIND | steps(*ALL) | TABLE | CURVES),
        ("pages/table.py", TABLE),
        ("pages/curves.py", CURVES),
        ("world/render.py", EVERYTHING),
    ],
)
def test_code_reruns_the_steps_that_import_it(built: Any, module: str, expected: set[str]) -> None:
    path = f"src/vistok/{module}"
    text = (built.root / path).read_text()
    with built.edited(path, text, f"{text}\nEDITED = True\n"):
        assert built.jobs() == expected


def test_data_with_the_same_content_reruns_nothing(built: Any) -> None:
    for path in (built.root / "data").rglob("*"):
        path.touch()
    assert built.jobs() == set()
    shutil.rmtree(built.root / "data")
    assert built.jobs() == set()
    built.build("data/smoke")
    assert built.jobs() == set()


def test_other_data_reruns_all_that_reads_it(built: Any) -> None:
    def pin_other(pins: dict[str, Any]) -> None:
        smoke = next(out for out in pins["outs"] if out["path"] == "data/smoke")
        smoke["md5"] = f"{0:032}.dir"

    with built.changed("data.dvc", pin_other):
        assert built.jobs() == EVERYTHING


def test_a_new_row_has_its_own_jobs(built: Any) -> None:
    row = {"tokenizer": "deit", "recipe": "tuned", "llm": "vicuna-7b", "published": 7}
    with built.changed("workflow/grid/tables.yaml", lambda tables: tables["table-2"]["rows"].append(row)):
        assert built.jobs() == steps("deit/tuned") | TABLE | CURVES


def test_a_student_is_taught_by_what_is_there_and_again_when_its_teacher_changes(built: Any) -> None:
    row = {"tokenizer": "fd", "recipe": "frozen", "llm": "vicuna-7b"}
    made = {
        f"pretrain_tokenizer {name}/seed-0" for name in ("fd", "untrained-fd")
    }  # its encoder has a floor of its own
    student = made | steps("fd/frozen", "untrained-fd/frozen") | TABLE | CURVES
    objective = "src/vistok/supervision/objectives/contrastive.py"
    text = (built.root / objective).read_text()
    with built.changed("workflow/grid/tables.yaml", lambda tables: tables["table-2"]["rows"].append(row)):
        assert built.jobs() == student
        with built.edited(objective, text, f"{text}\nEDITED = True\n"):
            assert built.jobs() == student | {"pretrain_tokenizer clip/seed-0"} | steps(CLIP, TUNED)


def add_task(built: Any, suite: str) -> ExitStack:
    """Adds a task that asks what another asks; the end of the block takes it out."""
    files = yaml.safe_load((built.root / "workflow/scales/mini.yaml").read_text())["tasks"]["coco-oc"]

    def declare(tasks: dict[str, Any]) -> None:
        tasks["new"] = tasks["coco-oc"] | {"suite": suite, "label": "New"}

    changes = ExitStack()
    changes.enter_context(built.changed("workflow/grid/tasks.yaml", declare))
    changes.enter_context(
        built.changed(
            "workflow/scales/smoke.yaml", lambda scale: scale.setdefault("tasks", {}).update(new=files)
        )
    )
    return changes


def add_table(built: Any, task: str, row: str) -> Any:
    tokenizer, recipe = row.split("/")
    rows = [{"tokenizer": tokenizer, "recipe": recipe, "llm": "vicuna-7b"}]
    columns = [{"task": task, "published": "COCO-OC"}]

    def add(tables: dict[str, Any]) -> None:
        tables["table-3"] = tables["table-2"] | {"columns": columns, "rows": rows}

    return built.changed("workflow/grid/tables.yaml", add)


NEW_TABLE = {"tabulate table-3", "draw_curves table-3"}


def test_a_table_over_known_runs_and_tasks_is_tabulated_alone(built: Any) -> None:
    with add_table(built, "coco-oc", CLIP):
        assert built.jobs() == NEW_TABLE


def test_a_table_with_a_new_row_answers_its_suite(built: Any) -> None:
    with add_table(built, "coco-oc", "deit/tuned"):
        assert built.jobs() == steps("deit/tuned") | NEW_TABLE


def test_a_task_of_another_suite_has_no_old_question_answered_or_scored_again(built: Any) -> None:
    frozen, tuned = [
        (row, *(bound for bound in BOUNDS if bound.endswith(end)))
        for row, end in ((CLIP, "frozen"), ("deit/tuned", "tuned"))
    ]
    another = ("answer_another", "score_run_another")
    blind = {"answer_blind_another vicuna-7b", "fit_blind_another"}
    with add_task(built, "another"):
        assert built.jobs() == set(), "no table shows it"
        with add_table(built, "new", CLIP):
            assert built.jobs() == steps(*frozen, of=another) | blind | NEW_TABLE
        with add_table(built, "new", "deit/tuned"):
            answered = steps("deit/tuned", of=("tune_mllm",)) | steps(*tuned, of=another)
            assert built.jobs() == answered | blind | NEW_TABLE


def test_a_table_apart_of_another_suite_asks_its_rows_more_and_reruns_no_old_answer(built: Any) -> None:
    """Its column has no published number; and no table of the paper's notices it."""

    def add(tables: dict[str, Any]) -> None:
        rows = [{"tokenizer": "clip", "recipe": "frozen", "llm": "vicuna-7b"}]
        tables["ours"] = tables["table-2"] | {"apart": True, "columns": [{"task": "new"}], "rows": rows}

    asked = (CLIP, "untrained/frozen", "perfect/frozen")
    with add_task(built, "another"), built.changed("workflow/grid/tables.yaml", add):
        assert built.jobs(pages=True) == set()
        jobs = built.jobs(target="paper_tables/smoke/ours.csv")
    again = steps(*asked, of=("answer_another", "score_run_another"))
    assert jobs == again | {"answer_blind_another vicuna-7b", "fit_blind_another", "tabulate ours"}


def test_a_task_that_joins_a_suite_has_the_whole_suite_asked_again(built: Any) -> None:
    """Of the runs that are asked for it, and trained anew none."""
    again = ("answer_gvt", "score_run_gvt")
    with add_task(built, "gvt"), add_table(built, "new", CLIP):
        jobs = built.jobs()
    assert steps(CLIP, of=again) | BLIND | TABLE | NEW_TABLE <= jobs
    assert jobs <= steps(*ALL, of=again) | BLIND | TABLE | NEW_TABLE


def test_a_new_tokenizer_with_local_weights_is_not_pretrained(built: Any, tmp_path: Path) -> None:
    weights = tmp_path / "mine.safetensors"
    weights.write_bytes(b"any")
    encoder = {
        "library": "timm",
        "name": "vit_small_patch16_224",
        "weights": str(weights),
        "image_size": 224,
        "normalisation": "imagenet",
        "tokens": 197,
        "width": 384,
        "parameters_m": 21.67,
        "source": "ours",
    }
    entry = {"label": "Mine", "supervision": "self", "published_images": "-", "encoder": encoder}
    row = {"tokenizer": "mine", "recipe": "frozen", "llm": "vicuna-7b"}
    with (
        built.changed("workflow/grid/tokenizers.yaml", lambda grid: grid.update(mine=entry)),
        built.changed("workflow/grid/tables.yaml", lambda tables: tables["table-2"]["rows"].append(row)),
    ):
        assert (
            built.jobs()
            == {"list_data smoke, listed=weights-of-tokenizers/mine"} | steps("mine/frozen") | TABLE | CURVES
        )
        weights.unlink()
        status, output = built.snakemake("paper_tables", "-n")
        assert status == 1 and f"the weights of the tokenizer 'mine' are not there: {weights}" in output
        with built.edited("workflow/grid/tokenizers.yaml", str(weights), "weights/mine.safetensors"):
            status, output = built.snakemake("paper_tables", "-n")
        assert status == 1 and "is what a job makes: put them elsewhere, with an absolute path" in output


def test_a_file_by_a_wrong_name_is_refused_with_the_nearest(built: Any) -> None:
    status, output = built.snakemake("results/smoke/clpi/frozen/vicuna-7b/seed-0/coco-oc/metrics.json", "-n")
    assert status == 1 and "Did you mean 'clip'" in output and "Traceback" not in output


def test_another_split_trains_nothing(built: Any) -> None:
    asked = steps(*ALL, of=("answer_gvt", "score_run_gvt")) | BLIND | TABLE | CURVES
    assert built.jobs("--config", "split=dev") == asked


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("pages/study.py", {"show_study"}),
        ("pages/charts.py", {"show_study"}),
        ("mllm/attention.py", {"draw_attention"}),
        ("tables/benchmark.py", {"count_benchmark", "show_study"}),
        ("pages/claims.py", {"paper_claims"}),
    ],
)
def test_what_shows_the_study_is_made_again_where_its_code_changes(
    built: Any, module: str, expected: set[str]
) -> None:
    path = f"src/vistok/{module}"
    text = (built.root / path).read_text()
    with built.edited(path, text, f"{text}\nEDITED = True\n"):
        assert built.jobs(pages=True) >= expected
        assert built.jobs() == set(), "no table, and nothing that is trained"


def test_a_recipe_value_changes_claims_and_page_alone(built: Any) -> None:
    """Figures show deit/frozen and clip/frozen, which a change of tuning leaves alone."""
    with built.changed(
        "workflow/scales/smoke.yaml", lambda scale: scale["recipes"]["tuned"].update(rates={"tokenizer": 0.3})
    ):
        assert built.jobs(pages=True) == steps(*OF_TUNED) | TABLE | CURVES | {"paper_claims", "show_study"}
