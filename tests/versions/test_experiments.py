"""What DVC is told follows from the grid, and names what an edit changes."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from vistok.grid.ett_files import ett_runs
from vistok.grid.load import load_study
from vistok.grid.steps import STEPS
from vistok.grid.study import Study
from vistok.grid.tables import Column, Row
from vistok.versions.experiments import LIST, RECORDS, export, listing, parameters, stages


@pytest.fixture(scope="module")
def mini(repository: Path) -> Study:
    return load_study("mini", root=repository)


def changed(before: Any, after: Any, *, depth: int) -> set[str]:
    """Returns the keys down to a depth below which two trees differ."""
    if depth == 0 or not (isinstance(before, dict) and isinstance(after, dict)):
        return set() if before == after else {""}
    return {
        f"{key}/{rest}".rstrip("/")
        for key in before.keys() | after.keys()
        for rest in changed(before.get(key), after.get(key), depth=depth - 1)
    }


def test_the_list_follows_from_the_grid(repository: Path, mini: Study) -> None:
    """After a new row: vistok export-experiments."""
    assert yaml.safe_load((repository / LIST).read_text()) == listing(mini)


def test_every_run_of_every_table_is_an_experiment(mini: Study) -> None:
    made = [name for name in stages(mini) if name.startswith("run@")]
    assert sorted(made) == sorted(f"run@{run.path}" for run in [*mini.runs(), *ett_runs(mini)])
    line = [made.index(f"run@eva-clip/{recipe}/vicuna-7b/seed-0") for recipe in ("blip-2", "minigpt-4")]
    assert line == sorted(line), "behind the one that it follows"
    assert {name for name in stages(mini) if name.startswith("first-stage@")} == {
        *(
            f"first-stage@{tokenizer}/{recipe}-alignment/vicuna-7b/seed-0"
            for recipe, own in (("llava", ("clip", "untrained")), ("blip-2", ("eva-clip", "untrained-large")))
            for tokenizer in (*own, "perfect")
        ),
        *(
            f"first-stage@{tokenizer}-align/vicuna-7b/seed-0"
            for tokenizer in ("ibq-codes/index", "ibq/embedding", "ibq-longer/embedding")
        ),
    }
    assert {"blind", "table@table-2", "tokenizer@clip/seed-0", "llm@llama-7b", "shards@web"} < stages(
        mini
    ).keys()


def test_no_two_stages_share_a_file(mini: Study) -> None:
    paths = [
        path
        for stage in stages(mini).values()
        for path in (stage.folder, *stage.outs, *([stage.scores] if stage.scores else []))
    ]
    assert [
        path for path in paths if any(path != other and path.is_relative_to(other) for other in paths)
    ] == []
    assert len(paths) == len({*paths})


def test_published_checkpoints_are_no_stages(repository: Path) -> None:
    paper = load_study("paper", root=repository)
    kinds = {"shards", "first-stage", "run", "blind", "table", "ett"}
    assert {name.partition("@")[0] for name in stages(paper)} == kinds
    own = {run.tokenizer for run in [*paper.runs(), *ett_runs(paper)]}
    assert parameters(paper, repository)["tokenizers"].keys() == own


@pytest.mark.parametrize("ett", [True, False])
@pytest.mark.parametrize("scale", ["mini", "paper", "smoke", "one-gpu"])
def test_every_run_finds_the_parameters_that_its_stage_names(repository: Path, scale: str, ett: bool) -> None:
    study = load_study(scale, root=repository)
    known = parameters(study, repository, ett=ett)
    for name, run in listing(study, ett=ett)["runs"].items():
        assert (
            run["llm"] in known["llms"] and run["tokenizer"] in known["tokenizers"] and name in known["runs"]
        )


def test_etts_tokenizers_are_named_with_what_makes_them(repository: Path, mini: Study) -> None:
    """At the paper scale one is imported, with no networks of its own."""
    nets = {"mini": {"train-cell-nets"}, "paper": set[str]()}
    for study in (mini, load_study("paper", root=repository)):
        known = parameters(study, repository)["tokenizers"]
        for name, steps in {"ibq": {"train-ibq"}, "ibq-longer": {"train-ibq", "lengthen-ibq"}}.items():
            assert known[name].keys() == {"encoder"} | nets[study.scale.id] | steps


def test_an_edited_value_changes_its_own_parameters(repository: Path, mini: Study, tmp_path: Path) -> None:
    before = parameters(mini, repository)
    recipes = {**mini.recipes, "tuned": mini.recipe("tuned").model_copy(update={"rates": {"tokenizer": 0.3}})}
    after = parameters(with_(mini, recipes=recipes), repository)
    tuned = {f"runs/{run.path}" for run in mini.runs() if run.recipe == "tuned"}
    assert changed(before, after, depth=2) == tuned and len(tuned) == 14
    clip = mini.tokenizer("clip").model_copy(update={"image_set": "lvd"})
    after = parameters(with_(mini, tokenizers={**mini.tokenizers, "clip": clip}), repository)
    made = [each for each in mini.pretrainings(mini.runs()) if "clip" in mini.lineage([each.tokenizer])]
    assert sum(each.tokenizer == "clip" for each in made) == 3
    assert changed(before, after, depth=2) == {f"tokenizers/{each.path}" for each in made}


def test_a_new_task_of_another_suite_changes_no_parameters_of_what_is_there(
    repository: Path, mini: Study
) -> None:
    task = mini.task("coco-oc").model_copy(update={"id": "new", "suite": "another"})
    column = Column(task="new", published="COCO-OC")
    table = mini.table("table-2").model_copy(update={"id": "table-x", "columns": (column,)})
    table = table.model_copy(update={"rows": (Row(tokenizer="clip", recipe="frozen", llm="llama-7b"),)})
    more = with_(mini, tasks={**mini.tasks, "new": task}, tables={**mini.tables, "table-x": table})
    runs = {f"{name}/frozen/llama-7b/seed-0" for name in ("clip", "untrained", "perfect")}
    new = {"suites/another", "tables/table-x"} | {f"runs/{run}" for run in runs}
    assert changed(parameters(mini, repository), parameters(more, repository), depth=2) == new
    assert set(listing(more)["runs"]) - {*listing(mini)["runs"]} == runs
    path = "results/mini/clip/frozen/llama-7b/seed-0/new/metrics.json"
    assert listing(more)["runs"]["clip/frozen/llama-7b/seed-0"]["metrics"] == path


def test_the_list_holds_ett_or_not(mini: Study, tmp_path: Path) -> None:
    """A study whose ETT nobody built is versioned whole without it."""
    export(mini, tmp_path, ett=False)
    written = (tmp_path / LIST).read_text(), (tmp_path / RECORDS / "mini/params.yaml").read_text()
    assert not [line for text in written for line in text.splitlines() if "ibq" in line]
    assert yaml.safe_load(written[0])["with_ett"] == "no" and yaml.safe_load(written[0])["ett"] == []
    without = stages(mini, ett=False)
    assert {name.partition("@")[0] for name in set(stages(mini)) - set(without)} == {
        "first-stage",
        "run",
        "ett",
    }


def with_(study: Study, **values: Any) -> Study:
    return replace(study, **values)


def test_what_is_written_is_plain(repository: Path, mini: Study, tmp_path: Path) -> None:
    export(mini, tmp_path)
    assert yaml.safe_load((tmp_path / LIST).read_text()) == listing(mini)
    written = yaml.safe_load((tmp_path / RECORDS / "mini/params.yaml").read_text())
    assert written.keys() == parameters(mini, repository).keys()


def expanded(text: str, values: Any) -> str:
    """Returns a text of dvc.yaml with the values that it names."""

    def value(match: re.Match[str]) -> str:
        result = values
        for key in match[1].split("."):
            result = result[key]
        return str(result)

    return re.sub(r"\$\{([\w.]+)\}", value, text)


def dvc_stages(repository: Path, study: Study) -> dict[str, tuple[list[str], list[str]]]:
    """Returns each stage that dvc.yaml stands for: what it asks snakemake for, and what it versions."""
    listed, found = listing(study), {}
    told = yaml.safe_load((repository / "dvc.yaml").read_text())["stages"]
    del told["params"]  # what the others depend on: no job makes it
    for name, stage in told.items():
        items = listed[stage["foreach"][2:-1]] if "foreach" in stage else [None]
        for key in items:
            values = {**listed, "key": key, "item": items[key] if isinstance(items, dict) else key}
            body = stage.get("do", stage)
            (command,) = [line for line in body["cmd"] if line.startswith("snakemake ")]
            scored, drawn = body.get("metrics", []), body.get("plots", [])
            outs = [expanded(next(iter(out)), values) for out in (*body["outs"], *scored, *drawn)]
            asked = expanded(command.partition(" --")[0], values).split()[1:]
            found[name if key is None else f"{name}@{key}"] = (asked, outs)
    return found


@pytest.mark.parametrize("scale", ["mini", "paper"])
def test_dvc_versions_what_the_steps_make(repository: Path, scale: str) -> None:
    study = load_study(scale, root=repository)
    told, known = dvc_stages(repository, study), stages(study)
    assert told.keys() == known.keys()
    made = {
        str(path)
        for step in STEPS.values()
        for ids in step.jobs(study, [*study.runs(), *ett_runs(study)])
        for path in step.outputs(study, *ids)
    } | {str(path) for path in STEPS["show-ett"].outputs(study)}
    for name, (asked, outs) in told.items():
        assert outs[0] == str(known[name].folder / "record.json")
        kept = {out for out in outs[1:] if not out.endswith("/curves.csv")}
        scores = known[name].scores
        assert kept == {str(out) for out in (*known[name].outs, *([scores] if scores else []))}, name
        assert asked and made.issuperset(asked), name
