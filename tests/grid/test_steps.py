"""What each step ranges over, reads and writes follows from the study, and all that tells of steps tells the same."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from vistok.commands.parser import make_parser
from vistok.errors import VistokError
from vistok.grid.files_of import any_llm, cells, parts
from vistok.grid.job_sizes import ALL_STEPS, RESUMED, StepId
from vistok.grid.steps import STEPS, step_called
from vistok.grid.study import Study
from vistok.grid.tables import ReleasedRow
from vistok.grid.verbs import VERBS
from vistok.planning.costs import cost_of

DEIT, CLIP_20M = "deit/frozen/vicuna-7b/seed-0", "clip-20m/frozen/vicuna-7b/seed-0"
SCALES = ("mini", "excerpt", "paper")


@pytest.fixture(params=SCALES)
def any_study(request: pytest.FixtureRequest, checkout: Any) -> Study:
    loaded: Study = checkout.load(request.param)
    return loaded


def texts(paths: Any) -> list[str]:
    return [str(path) for path in paths]


def test_a_step_reads_what_steps_before_it_write(any_study: Study) -> None:
    """The list is in the order of the work; what no step makes stands in the checkout or below the data root."""
    made: set[str] = set()
    for step in STEPS.values():
        for ids in step.jobs(any_study, any_study.runs()):
            assert len(ids) == len(step.over)
            for path in texts(step.inputs(any_study, *ids)):
                own = path.startswith(
                    (
                        "paper_tables/published/",
                        "workflow/grid/",
                        "data/digests/",
                        any_study.models_study.scale.data_root,
                    )
                )
                assert own or path in made, f"{step.id} {ids} reads {path}"
            written = texts(step.outputs(any_study, *ids))
            assert written and made.isdisjoint(written), "one file, one job"
            made.update(written)


def test_a_pretraining_waits_for_what_it_is_made_from(checkout: Any) -> None:
    mini, step = checkout.load("mini"), STEPS["pretrain-tokenizer"]
    assert "checkpoints/mini/tokenizers/clip/seed-2" in texts(step.inputs(mini, "fd/seed-2"))
    assert not any("checkpoints" in path for path in texts(step.inputs(mini, "clip/seed-0")))
    runs = [mini.run(f"{name}/frozen/vicuna-7b/seed-{seed}") for name, seed in (("fd", 2), ("dino", 0))]
    assert [*step.jobs(mini, runs)] == [("clip/seed-2",), ("fd/seed-2",), ("dino/seed-0",)]
    assert [
        ids for ids in STEPS["write-shards"].jobs(mini, runs) if ids == ("web",)
    ]  # what its teacher is shown
    assert step.modules(mini, "fd/seed-0")[0].endswith("objectives.feature_distillation")
    checkout.edit(
        "grid/tokenizers.yaml", lambda entries: entries["clip"].update(objective=None, image_set=None)
    )
    checkout.edit(
        "grid/tokenizers.yaml", lambda entries: entries["clip"]["encoder"].update(weights="weights/clip.pt")
    )
    assert "data/digests/mini/weights-of-tokenizers/clip.json" in texts(
        step.inputs(checkout.load("mini"), "fd/seed-0")
    )


def test_outputs_name_wildcards_as_they_are_given(study: Study) -> None:
    run = "clip/frozen/vicuna-7b/seed-0"
    for step in STEPS.values():
        ids = {
            "run": run,
            "suite": "gvt",
            "llm": "vicuna-7b",
            "pretrained": "clip/seed-0",
            "image_set": "web",
            "table": "table-2",
        }
        given = [ids.get(name, name) for name in step.over]
        wild = [
            name if name == "gvt" else f"{{{place}}}" for place, name in zip(step.over, given, strict=True)
        ]
        patterns = texts(step.outputs(study, *wild))
        filled = [pattern.format(**dict(zip(step.over, given, strict=True))) for pattern in patterns]
        assert filled == texts(step.outputs(study, *given))


def test_a_run_is_made_of_what_its_scale_makes(checkout: Any) -> None:
    mini, excerpt, paper = map(checkout.load, SCALES)
    made = ["checkpoints/mini/llms/vicuna-7b", "checkpoints/mini/tokenizers/deit/seed-0"]
    assert texts(parts(mini, DEIT)) == texts(parts(excerpt, DEIT)) == made
    digests = "data/digests/paper/weights-of-"
    expected = [f"{digests}llms/vicuna-7b.json", f"{digests}tokenizers/clip-20m.json"]
    assert texts(parts(paper, CLIP_20M)) == expected
    assert texts(any_llm(paper, "vicuna-7b")) == expected[:1]
    with pytest.raises(VistokError, match="unknown tokenizer 'diet'"):
        parts(mini, DEIT.replace("deit", "diet"))


def test_a_language_model_waits_for_its_base(study: Study) -> None:
    assert texts(STEPS["train-llm"].inputs(study, "vicuna-7b")) == ["checkpoints/mini/llms/llama-7b"]
    assert STEPS["train-llm"].inputs(study, "llama-7b") == []


def test_a_pretraining_reads_its_shards_and_the_probes_once(study: Study) -> None:
    shards = texts(STEPS["pretrain-tokenizer"].inputs(study, "clip/seed-0"))
    assert shards == list(dict.fromkeys(shards)) and "shards/mini/web" in shards
    assert f"shards/mini/{study.scale.probe_set}" in shards


def test_a_table_waits_for_its_cells_and_their_baselines(study: Study) -> None:
    result = cells(study, ["table-2"])
    assert {f"results/mini/{DEIT}/coco-oc/metrics.json", "results/mini/blind/coco-oc/metrics.json"} <= set(
        result
    )
    assert len(result) == len(set(result)) == 6 * (len(study.runs("table-2")) + 1)


def test_curves_wait_for_every_training_of_their_table(study: Study, checkout: Any) -> None:
    trainings = texts(STEPS["draw-curves"].inputs(study, "table-2"))
    assert {"checkpoints/mini/llms/llama-7b", "checkpoints/mini/tokenizers/dino/seed-0"} <= {*trainings}
    paper = checkout.load("paper")
    assert texts(STEPS["draw-curves"].inputs(paper, "table-2")) == [
        f"checkpoints/paper/mllms/{run.path}" for run in paper.runs("table-2")
    ]


def test_a_run_of_no_table_answers_every_suite_that_is_shown(study: Study) -> None:
    run = study.run("mae/tuned/llama-7b/seed-12")
    assert list(STEPS["answer"].jobs(study, [run])) == [(run.path, "gvt"), (run.path, "seed-bench")]


def test_scales_give_sizes_to_steps_and_to_nothing_else() -> None:
    sized = {step.size_id for step in STEPS.values()}
    assert {*get_args(StepId)} == {ALL_STEPS, *sized}
    assert sized >= RESUMED


def test_every_step_is_a_verb_of_the_command_line() -> None:
    """As the list tells it: the command line does not read the list itself, for that would make every start slow."""
    verbs = next(
        action for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    for step in STEPS.values():
        parser = verbs.choices[step.id]
        assert parser.description == VERBS[step.id].about
        if step.module.startswith("vistok.steps."):  # others take more than ids
            assert all(
                f" {name.upper()}" in parser.format_usage().replace("\n", " ") for name in step.over
            ), step.id


@pytest.mark.parametrize("profile", ["slurm", "slurm-example"])
def test_a_profile_sets_what_steps_there_are(repository: Path, profile: str) -> None:
    told = yaml.safe_load((repository / f"workflow/profiles/{profile}/config.yaml").read_text())
    rules = {step.rule_name for step in STEPS.values()}
    assert {*told["groups"], *told.get("set-resources", {})} <= rules
    assert {*told["group-components"]} <= {*told["groups"].values()}


def test_an_unknown_step_names_the_nearest() -> None:
    with pytest.raises(VistokError, match=r"unknown step 'awnser'\. Did you mean 'answer'"):
        step_called("awnser")
    assert step_called("answer").over == ("run", "suite")


def test_a_released_model_only_answers_and_is_scored(checkout: Any) -> None:
    paper: Study = checkout.load("paper")
    table = paper.table("table-2")
    rows = (*table.rows, ReleasedRow(model="blip-2"))
    more = replace(paper, tables={**paper.tables, "table-2": table.model_copy(update={"rows": rows})})
    before = {(name, ids) for name, step in STEPS.items() for ids in step.jobs(paper, paper.subjects())}
    after = {(name, ids) for name, step in STEPS.items() for ids in step.jobs(more, more.subjects())}
    released = "released/blip-2"
    assert after - before == {("answer", (released, "gvt")), ("score-run", (released, "gvt"))}
    assert before <= after
    inputs = [str(path) for path in STEPS["answer"].inputs(more, released, "gvt")]
    assert inputs == ["data/digests/paper/weights-of-models/blip-2.json"]
    assert STEPS["answer"].modules(more, released, "gvt")[0] == "vistok.mllm.released.image_text_to_text"
    assert (
        cost_of(more, "answer", released, "gvt").flops
        > cost_of(more, "answer-blind", "vicuna-7b", "gvt").flops
    )


def test_a_released_model_is_an_entry_and_a_row(checkout: Any) -> None:
    """Two files of the grid, and nothing else: its weights, its template and its place in a table."""
    before: Study = checkout.load("paper")
    entry = {
        "label": "Otter",
        "kind": "image-text-to-text",
        "weights": "luodian/OTTER-Image-MPT7B",
        "template": "<image>User: {prompt} GPT:<answer>",
        "visual_tokens": 64,
        "parameters_m": 8000,
        "licence": "MIT",
        "source": "ours",
    }
    row = {"model": "otter"}
    checkout.edit("grid/models.yaml", lambda models: models.update(otter=entry))
    checkout.edit("grid/tables.yaml", lambda tables: tables["table-2"]["rows"].append(row))
    after: Study = checkout.load("paper")
    assert [subject.path for subject in after.subjects() if subject not in before.subjects()] == [
        "released/otter"
    ]
    jobs = {(name, ids) for name, step in STEPS.items() for ids in step.jobs(after, after.subjects())}
    old = {(name, ids) for name, step in STEPS.items() for ids in step.jobs(before, before.subjects())}
    assert (
        jobs - old == {(name, ("released/otter", "gvt")) for name in ("answer", "score-run")} and old <= jobs
    )
    for name, ids in old - {("tabulate", ("table-2",)), ("draw-curves", ("table-2",)), ("show-study", ())}:
        if name not in ("weigh-claims",):
            assert STEPS[name].spec(after, *ids) == STEPS[name].spec(before, *ids), (name, ids)
