"""Looking things up in a study: ids, runs, encoders, files."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vistok.errors import VistokError
from vistok.grid.labels import labels_of
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.grid.steps import STEPS
from vistok.grid.study import Study
from vistok.grid.tables import Row
from vistok.tables.pairs import with_bounds

HOSTILE = ["../x", "a;rm -rf", "", "CLIP!", "clip\n", "clip/frozen"]


@pytest.mark.parametrize(
    ("look", "asked", "message"),
    [
        (
            Study.tokenizer,
            "clp",
            r"unknown tokenizer 'clp'. Did you mean 'clip'\? Legal: clip, .*tokenizers\.yaml\.$",
        ),
        (
            Study.llm,
            "vicuna-7",
            r"unknown llm .*'vicuna-7b'\? Legal: flan-t5-xxl, kosmos-decoder, .*llms\.yaml\.$",
        ),
        (Study.recipe, "tunned", r"unknown recipe .*'tuned'\? Legal: .*frozen, .*tuned.*recipes\.yaml\.$"),
        (Study.task, "coco_oc", r"unknown task .*'coco-oc'\? Legal: coco-caption, .*tasks\.yaml\.$"),
        (Study.suite, "gtv", r"unknown suite 'gtv'. Did you mean 'gvt'\? Legal: .*gvt.*tasks\.yaml\.$"),
        (Study.table, "table-22", r"unknown table .*'table-2'\? Legal: .*table-2, .*tables\.yaml\.$"),
        (Study.image_set, "cocotrain", r"unknown image set .*'coco-train'\? .*workflow/scales/mini\.yaml\.$"),
    ],
)
def test_an_unknown_id_names_the_nearest(
    study: Study, look: Callable[[Study, str], object], asked: str, message: str
) -> None:
    with pytest.raises(VistokError, match=message):
        look(study, asked)
    for hostile in HOSTILE:
        with pytest.raises(VistokError, match="Legal: "):
            look(study, hostile)


def test_runs_stand_in_the_order_of_the_table(study: Study) -> None:
    runs = [run.path for run in study.runs("table-2")]
    assert runs[0] == "deit/frozen/vicuna-7b/seed-0"
    assert runs[5:9] == [f"clip/frozen/vicuna-7b/seed-{seed}" for seed in range(3)] + [
        "deit/tuned/vicuna-7b/seed-0"
    ]
    assert len(runs) == len(set(runs)) == 14


def test_a_run_of_two_tables_is_one_run(checkout: Any) -> None:
    def copy_table(tables: Any) -> None:
        rows = tables["table-2"]["rows"]
        tables["table-30"] = {**tables["table-2"], "rows": [{**rows[5], "seeds": [2, 7]}, rows[0]]}

    before = checkout.load().runs()
    checkout.edit("grid/tables.yaml", copy_table)
    study = checkout.load()
    assert study.runs()[:14] == study.runs("table-2")
    added = [run.path for run in study.runs() if run not in before]
    assert added == ["clip/frozen/vicuna-7b/seed-7"]
    assert len(study.runs("table-30")) == 3


def test_a_run_answers_the_suites_of_the_tables_that_it_stands_in(checkout: Any) -> None:
    def add_table(tables: Any) -> None:
        row = {"tokenizer": "clip", "recipe": "frozen", "llm": "llama-7b"}
        columns = [{"task": task, "published": "Scene"} for task in ("scene", "vqav2")]
        rows = [tables["table-2"]["rows"][0], row]
        tables["table-7"] = {**tables["table-2"], "number": 7, "columns": columns, "rows": rows}

    checkout.edit(
        "grid/tasks.yaml",
        lambda tasks: tasks.update(
            {name: tasks["coco-oc"] | {"suite": "seed"} for name in ("scene", "spatial")}
        ),
    )
    assert checkout.load().suites_shown() == ("gvt", "seed-bench")
    assert "scene" not in [task.id for task in checkout.load().answered_tasks()]
    checkout.edit("grid/tables.yaml", add_table)
    study = checkout.load()
    assert study.suites_shown() == ("gvt", "seed") and study.suites_shown("table-7") == ("seed", "gvt")
    answered = {run.path.removesuffix("/seed-0"): suites for run, suites in study.suites_by_subject().items()}
    assert answered["deit/frozen/vicuna-7b"] == ("gvt", "seed")
    assert answered["clip/frozen/llama-7b"] == ("seed", "gvt")
    assert answered["clip/frozen/vicuna-7b"] == ("gvt",)
    assert [task.id for task in study.suite("seed")] == ["scene", "spatial"]
    assert [task.id for task in study.answered_tasks()][-2:] == ["scene", "spatial"]
    assert study.llms_of("seed") == study.llms_of("gvt") == ("vicuna-7b", "llama-7b")


def test_a_run_is_found_by_its_path(study: Study) -> None:
    for run in study.runs():
        assert study.run(run.path) == run
    assert study.run("mae/tuned/llama-7b/seed-12").seed == 12


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("clip/frozen/vicuna-7b", r"not a run id: .* Legal: tokenizer/recipe/llm/seed-N, e\.g\. deit/frozen"),
        ("clip/frozen/vicuna-7b/seed-0/coco-oc", "not a run id"),
        ("clip/frozen/vicuna-7b/0", "not a run id"),
        ("clip/frozen/vicuna-7b/seed-", "not a run id"),
        ("clip/frozen/vicuna-7b/seed--1", "not a run id"),
        ("clip/frozen/vicuna-7b/seed-01", "not a run id"),
        ("clip/frozen/vicuna-7b/seed-²", "not a run id"),
        ("clip/frozen/vicuna-7b/seed-1\n", "not a run id"),
        ("clip/frozen/vicuna-7b/seed-99999999999999999999", "not a run id"),
        ("../../x/seed-0", "unknown tokenizer '..'"),
        ("../../../etc", "not a run id"),
        ("", "not a run id"),
        ("clip/frozn/vicuna-7b/seed-0", "unknown recipe 'frozn'. Did you mean 'frozen'"),
        ("clip/frozen/vicuna/seed-0", "unknown llm 'vicuna'. Did you mean 'vicuna-7b'"),
    ],
)
def test_what_is_no_run_is_refused(study: Study, path: str, message: str) -> None:
    with pytest.raises(VistokError, match=message):
        study.run(path)


def test_a_scale_that_pretrains_has_its_own_encoder(checkout: Any) -> None:
    mini, paper = checkout.load("mini"), checkout.load("paper")
    made = {name: entry for name, entry in mini.tokenizers.items() if entry.objective}
    assert {name: mini.encoder(name) for name in made} == {
        name: mini.scale.encoders[entry.size] for name, entry in made.items()
    }
    assert {mini.encoder(name).name for name in ("deit", "clip")} == {mini.scale.encoders["base"].name}
    assert all(mini.pretrains(name) and not paper.pretrains(name) for name in made)
    assert {name: paper.encoder(name) for name in paper.tokenizers} == {
        name: entry.encoder for name, entry in paper.tokenizers.items()
    }


def test_an_entry_without_objective_is_taken_as_published_at_every_scale(checkout: Any) -> None:
    checkout.edit(
        "grid/tokenizers.yaml",
        lambda entries: [entries["clip"].pop(key) for key in ("objective", "image_set")],
    )
    mini = checkout.load("mini")
    assert not mini.pretrains("clip")
    assert mini.encoder("clip") == mini.tokenizer("clip").encoder


def test_a_scale_may_pretrain_encoders_of_several_sizes(checkout: Any) -> None:
    def add_size(scale: Any) -> None:
        base = scale["encoders"]["base"]
        scale["encoders"]["large"] = base | {
            "arguments": base["arguments"] | {"depth": 6},
            "parameters_m": 0.75,
        }

    checkout.edit("scales/mini.yaml", add_size)
    checkout.edit("grid/tokenizers.yaml", lambda entries: entries["dino"].update(size="large"))
    mini = checkout.load("mini")
    assert mini.encoder("dino") == mini.scale.encoders["large"] != mini.encoder("mae")
    assert (
        checkout.load("paper").encoder("dino").name == "vit_base_patch16_224.dino"
    )  # as published, at its own size


def test_what_a_tokenizer_is_made_from_goes_before_it(checkout: Any) -> None:
    checkout.edit("grid/tokenizers.yaml", lambda entries: entries["clip"].update(base="dino"))
    mini, paper = checkout.load("mini"), checkout.load("paper")
    assert mini.lineage(["mae", "fd", "dino"]) == ("mae", "dino", "clip", "fd")
    assert paper.lineage(["mae", "fd", "dino"]) == (
        "mae",
        "fd",
        "dino",
    )  # taken as published: made from nothing
    checkout.edit(
        "grid/tokenizers.yaml",
        lambda entries: [entries["clip"].pop(key) for key in ("objective", "image_set", "base")],
    )
    assert checkout.load("mini").lineage(["fd"]) == (
        "clip",
        "fd",
    )  # a published teacher of a student made here


def test_a_seed_is_that_of_every_pretraining_behind_a_run(checkout: Any) -> None:
    mini, paper = checkout.load("mini"), checkout.load("paper")
    runs = [mini.run(f"{name}/frozen/vicuna-7b/seed-{seed}") for name, seed in (("fd", 1), ("clip", 0))]
    assert [entry.path for entry in mini.pretrainings(runs)] == ["clip/seed-1", "fd/seed-1", "clip/seed-0"]
    assert paper.pretrainings(runs) == ()
    student = runs[0].pretrained
    assert mini.pretrained("fd/seed-1") == student
    assert [entry.path for entry in mini.made_from(student)] == ["clip/seed-1"]
    assert paper.made_from(student) == ()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("clip", "Legal: tokenizer/seed-N, e.g. clip/seed-0"),
        ("clip/seed-01", "Legal: tokenizer/seed-N"),
        ("clip/frozen/vicuna-7b/seed-0", "Legal: tokenizer/seed-N"),
        ("clpi/seed-0", "unknown tokenizer 'clpi'. Did you mean 'clip'"),
    ],
)
def test_what_is_no_pretraining_is_told(study: Study, path: str, message: str) -> None:
    with pytest.raises(VistokError, match=re.escape(message)):
        study.pretrained(path)


def test_models_of_another_scale_answer(checkout: Any) -> None:
    excerpt = checkout.load("excerpt", data_root="elsewhere")
    assert (excerpt.models_study.scale.id, excerpt.models_study.scale.data_root) == ("mini", "data/mini")
    assert excerpt.models_study.models_study is excerpt.models_study
    assert checkout.load("mini").models_study.scale.id == "mini"


def test_a_split_has_its_own_files_and_results(checkout: Any) -> None:
    test, dev = checkout.load("mini"), checkout.load("mini", split="dev")
    assert (test.results_id, dev.results_id) == ("mini", "mini-dev")
    for task in test.answered_tasks():
        there, here = test.task_files(task.id), dev.task_files(task.id)
        assert there is not None
        assert here is not None
        assert there.references != here.references


def test_a_split_without_a_task_does_not_fall_back_on_the_test_split(checkout: Any) -> None:
    checkout.edit("scales/mini.yaml", lambda scale: scale["splits"]["dev"].pop("coco-oc"))
    assert checkout.load("mini", split="dev").task_files("coco-oc") is None
    assert checkout.load("mini").task_files("coco-oc") is not None


def test_a_run_answers_what_its_rows_are_measured_on(checkout: Any) -> None:
    def leave_out(tables: Any) -> None:
        tasks = [column["task"] for column in tables["table-2"]["columns"]]
        tables["table-2"]["rows"][0]["not_measured"] = dict.fromkeys(tasks, "no weights were released")
        tables["table-2"]["rows"][1]["not_measured"] = {"vqav2": "trained on it"}

    checkout.edit("grid/tables.yaml", leave_out)
    study = checkout.load()
    answered = {run.path: suites for run, suites in study.suites_by_subject().items()}
    assert answered["deit/frozen/vicuna-7b/seed-0"] == ()
    assert answered["dino/frozen/vicuna-7b/seed-0"] == ("gvt",)
    rows = study.table("table-2").rows
    assert [len(study.table("table-2").measured(row)) for row in rows[:3]] == [0, 5, 6]


def test_labels_come_from_the_values_that_a_row_names(study: Study) -> None:
    table = study.table("table-2")
    assert labels_of(study, table, table.rows[0]) == ("×", "Fully", "DeiT (Touvron et al., 2021)", "1.28M")
    other = table.model_copy(update={"labels": {"LLM": "llm.label", "Mask": None}})
    assert labels_of(study, other, table.rows[0]) == ("Vicuna-7B", "-")


def test_a_table_has_one_floor_and_one_ceiling_for_each_llm_recipe_and_size(repository: Path) -> None:
    mini = load_study("mini", root=repository)
    bounds = mini.bounds("table-2")
    assert [(row.tokenizer, row.recipe) for row in bounds] == [
        ("untrained", "frozen"), ("untrained", "tuned"), ("perfect", "frozen"), ("perfect", "tuned")
    ]  # fmt: skip
    assert {*bounds[0].subjects} < {*mini.runs("table-2")} <= {*mini.runs()}
    floor, ceiling = mini.bounds_of(mini.table("table-2").rows[0])
    assert (floor, ceiling) == (bounds[0], bounds[2])
    thrice = load_study("mini", root=repository, seeds=3)
    assert all(row.seeds == (0, 1, 2) for row in thrice.bounds("table-2"))


def test_floors_are_of_the_scale_that_names_them(repository: Path) -> None:
    for scale in ("paper", "excerpt"):
        study = load_study(scale, root=repository)
        assert study.bounds("table-2") == () and study.rows("table-2") == study.table("table-2").rows


def test_a_floor_that_is_a_row_stands_once(repository: Path) -> None:
    mini = load_study("mini", root=repository)
    table = mini.table("table-2")
    own = Row(tokenizer="untrained", recipe="frozen", llm="vicuna-7b")
    changed = replace(mini, tables={"table-2": table.model_copy(update={"rows": (*table.rows, own)})})
    assert [row.tokenizer for row in changed.bounds("table-2")] == ["untrained", "perfect", "perfect"]
    assert changed.rows("table-2").count(own) == 1


def test_a_table_apart_is_found_and_counts_nowhere(checkout: Any) -> None:
    row = {"tokenizer": "fd", "recipe": "frozen", "llm": "llama-7b"}
    before = checkout.load()
    checkout.edit(
        "grid/tables.yaml",
        lambda tables: tables.update(ours={**tables["table-2"], "apart": True, "rows": [row]}),
    )
    study = checkout.load()
    assert (study.tables, study.runs()) == (before.tables, before.runs())
    assert "fd/frozen/llama-7b/seed-0" in [run.path for run in study.runs("ours")]


def test_a_suite_of_a_table_apart_alone_is_asked_of_its_own_rows(checkout: Any) -> None:
    row = {"tokenizer": "clip", "recipe": "frozen", "llm": "llama-7b"}
    before = checkout.load()
    checkout.edit(
        "grid/tasks.yaml", lambda tasks: tasks.update(new=tasks["coco-oc"] | {"suite": "new", "label": "New"})
    )
    apart = {
        "apart": True,
        "rows": [row],
        "columns": [{"task": "new"}, {"task": "coco-oc", "published": "COCO-OC"}],
    }
    checkout.edit("grid/tables.yaml", lambda tables: tables.update(ours={**tables["table-2"], **apart}))
    study = checkout.load()
    assert study.suites_asked() == (*before.suites_asked(), "new")
    assert (study.suites_shown(), study.answered_tasks()) == (before.suites_shown(), before.answered_tasks())
    assert study.suites_by_subject() == before.suites_by_subject()
    assert study.llms_of("new") == ("llama-7b",)
    assert study.llms_of("gvt") == before.llms_of("gvt"), "a table apart has no old blind row asked again"


def test_a_tokenizer_s_options_go_over_its_scale_s(checkout: Any) -> None:
    checkout.edit("grid/tokenizers.yaml", lambda known: known["fd"].update(options={"beta": 1.0}))
    scale, own = checkout.load().scale, checkout.load().pretraining("fd")
    assert own.options == {**scale.pretraining["feature-distillation"].options, "beta": 1.0}
    assert own.steps == scale.pretraining["feature-distillation"].steps


@pytest.mark.parametrize("table", ["table-2", "table-4", "table-5", "table-6", "table-8"])
def test_a_floor_and_a_ceiling_have_none(repository: Path, table: str) -> None:
    """The ceiling of a larger encoder is of the usual size, and asked for a floor that nothing makes."""
    mini = load_study("mini", root=repository)
    assert with_bounds(mini, table).bounds(table) == () != mini.bounds(table)


def test_rows_of_a_language_model_that_a_scale_leaves_out_are_not_made_and_say_why(repository: Path) -> None:
    mini, smoke = (load_study(scale, root=repository) for scale in ("mini", "smoke"))
    t5 = next(row for row in mini.table("table-8").rows if isinstance(row, Row) and row.llm == "flan-t5-xxl")
    assert not mini.answers(t5) and "text-only gate" in (mini.unanswered(t5) or "")
    assert mini.measured("table-8", t5) == () and "flan-t5-xxl" not in mini.answering_llms()
    assert all(bound.llm != "flan-t5-xxl" for bound in mini.bounds("table-8"))
    assert smoke.answers(t5) and "flan-t5-xxl" in smoke.answering_llms("table-8")


def test_a_recipe_changes_where_an_encoder_is_read(repository: Path) -> None:
    study = load_study("mini", root=repository)
    runs = [
        study.run(f"controlled-dino/{recipe}/vicuna-7b/seed-0") for recipe in ("frozen", "no-class-token")
    ]
    kept, dropped = (study.tapped(run) for run in runs)
    assert kept == study.encoder("controlled-dino")
    assert (dropped.class_token, dropped.tokens) == (False, kept.tokens - 1)
    perfect = study.run("perfect/no-class-token/vicuna-7b/seed-0")
    assert study.tapped(perfect) == study.encoder("perfect"), "true contents are read whole"


def test_the_controlled_study_shows_all_supervisions_the_same_images(repository: Path) -> None:
    study = load_study("mini", root=repository)
    names = {row.tokenizer for row in study.table("recipe-study").rows if isinstance(row, Row)}
    assert {study.tokenizer(name).image_set for name in names} == {"coco-train"}
    assert len({study.tokenizer(name).objective for name in names}) == len(names) == 5
    assert {study.pretraining(name).steps for name in names} == set(study.scale.pretraining_steps.values())
    assert len(study.table("recipe-study").rows) == 40


def with_their_own_parts(study: Study) -> Study:
    """Returns a study whose scale has nothing in the place of parts of other groups' models."""
    return replace(study, scale=study.scale.model_copy(update={"others_have": {}}))


def test_a_run_stands_behind_the_stages_that_it_follows(study: Study) -> None:
    study = with_their_own_parts(study)
    run = study.run("eva-clip/minigpt-4/vicuna-7b/seed-3")
    assert [stage.path for stage in study.stages([run, study.run("clip/frozen/vicuna-7b/seed-0")])] == [
        "eva-clip/blip-2-alignment/flan-t5-xxl/seed-3",
        "eva-clip/blip-2/flan-t5-xxl/seed-3",
        "eva-clip/minigpt-4/vicuna-7b/seed-3",
        "clip/frozen/vicuna-7b/seed-0",
    ]
    assert study.followed(study.run("clip/frozen/vicuna-7b/seed-0")) is None


def test_the_jobs_of_a_run_are_those_of_its_stages_too(study: Study) -> None:
    study = with_their_own_parts(study)
    run = study.run("eva-clip/minigpt-4/vicuna-7b/seed-0")
    tunings = [path for (path,) in STEPS["tune-mllm"].jobs(study, [run])]
    assert tunings == [stage.path for stage in study.stages([run])]
    assert {"flan-t5-xxl", "vicuna-7b"} < {llm for (llm,) in STEPS["train-llm"].jobs(study, [run])}
    inputs = STEPS["tune-mllm"].inputs(study, run.path)
    assert Paths(study).mllm(study.run(tunings[1])) in inputs


def test_rows_of_other_groups_models_are_made_where_a_scale_says_so(repository: Path) -> None:
    for scale in ("mini", "smoke"):
        made = load_study(scale, root=repository)
        rows = {run.recipe for run in made.runs("table-5")}
        assert rows == {"flamingo", "kosmos-1", "llava", "minigpt-4", "blip-2", "instruction"}
        assert {bound.recipe for bound in made.bounds("table-5")} == (rows if made.scale.floors else set())
    paper = load_study("paper", root=repository)
    (alone,) = paper.table("table-5").rows[-1].subjects
    assert alone in paper.subjects("table-5")
    assert not any("flamingo" in run.path for run in paper.subjects())
    assert not any("flamingo" in row.path for row in paper.bounds("table-5"))


def test_another_groups_model_has_a_part_of_the_scale_in_the_place_of_its_own(repository: Path) -> None:
    mini, excerpt, smoke = (load_study(scale, root=repository) for scale in ("mini", "excerpt", "smoke"))
    for study in (mini, excerpt):
        blip2, other = (
            next(
                row for row in study.table(table).rows if row.published == published and isinstance(row, Row)
            )
            for table, published in (("table-5", 5), ("table-8", 1))
        )
        assert study.answers(blip2) and blip2.llm == "vicuna-7b" and other.llm == "flan-t5-xxl"
    minigpt4 = mini.run("eva-clip/minigpt-4/vicuna-7b/seed-0")
    assert [stage.llm for stage in mini.stages([minigpt4])] == ["vicuna-7b"] * 3
    own = next(row for row in smoke.table("table-5").rows if row.published == 5 and isinstance(row, Row))
    assert own.llm == "flan-t5-xxl", "null: its own"
