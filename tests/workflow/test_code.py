"""A job's digest of code follows the modules that it imports, and no others of their kind."""

import re

import pytest

from vistok.errors import VistokError
from vistok.grid.kinds import task_kind_modules
from vistok.grid.steps import STEPS
from vistok.sources import imported_modules
from vistok.workflow.code import code
from vistok.workflow.files import Files


def of(files: Files, step: str, *ids: str) -> str:
    return code(STEPS[step], *STEPS[step].modules(files.study, *ids))


def test_a_step_counts_the_encoder_that_it_builds(mini: Files) -> None:
    deit, mae = (f"{name}/frozen/vicuna-7b/seed-0" for name in ("deit", "mae"))
    assert of(mini, "tune-mllm", deit) == of(mini, "tune-mllm", mae)
    assert of(mini, "tune-mllm", deit) != code(STEPS["tune-mllm"], "vistok.tokenizers.open_clip_encoder")
    assert of(mini, "pretrain-tokenizer", "deit/seed-0") != of(mini, "pretrain-tokenizer", "mae/seed-0")


@pytest.mark.parametrize("step", ["tune-mllm", "train-llm", "answer", "answer-blind"])
def test_what_asks_or_teaches_does_not_count_what_scores(step: str) -> None:
    chosen, module = task_kind_modules(["vqa", "counting"]), STEPS[step].module
    counted = imported_modules(module, *chosen, without=STEPS[step].without)
    assert {*chosen, "vistok.evaluation.kind"} <= counted
    assert not [name for name in counted if name.startswith("vistok.evaluation.score")]
    assert "vistok.evaluation.score.counting" in imported_modules(module, *chosen)


@pytest.mark.parametrize(
    ("step", "ids"),
    [
        ("tune-mllm", ("deit/frozen/vicuna-7b/seed-0",)),
        ("train-llm", ("vicuna-7b",)),
        ("answer", ("deit/frozen/vicuna-7b/seed-0", "gvt")),
        ("answer-blind", ("vicuna-7b", "gvt")),
        ("score-run", ("deit/frozen/vicuna-7b/seed-0", "gvt")),
        ("fit-blind", ("gvt",)),
        ("tabulate", ("table-2",)),
    ],
)
def test_a_step_counts_no_kind_that_it_does_not_ask(mini: Files, step: str, ids: tuple[str, ...]) -> None:
    """Nothing of the suite `gvt` is multiple choice: that kind's file is not part of it."""
    modules = STEPS[step].modules(mini.study, *ids)
    counted = imported_modules(STEPS[step].module, *modules, without=STEPS[step].without)
    kinds = {name.rpartition(".")[2] for name in counted if name.startswith("vistok.evaluation.kinds.")}
    assert kinds == {"caption", "counting", "identification", "vqa"}


def test_ett_counts_for_its_own_runs_alone(mini: Files) -> None:
    """An edit of the second system's code trains none of the study's models again."""
    counted = {}
    for run in ("clip/frozen/vicuna-7b/seed-0", "ibq/embedding-tuned/vicuna-7b/seed-0"):
        modules = STEPS["tune-mllm"].modules(mini.study, run)
        names = imported_modules(STEPS["tune-mllm"].module, *modules, without=STEPS["tune-mllm"].without)
        counted[run.partition("/")[0]] = {name for name in names if re.search(r"\.(ett|ibq)", name)}
    assert counted["clip"] == set()
    assert counted["ibq"] >= {
        "vistok.steps.ett_models",
        "vistok.supervision.ibq.tuning",
        "vistok.grid.ett_scale",
    }


@pytest.mark.parametrize("step", ["train-ibq", "lengthen-ibq", "train-cell-nets", "make-prompts"])
def test_what_etts_rows_share_counts_nothing_that_is_shown_or_scored(step: str) -> None:
    counted = imported_modules(STEPS[step].module)
    assert not [
        name for name in counted if re.match(r"vistok\.(pages|tables|audit|evaluation\.score)\b", name)
    ]


def test_reading_the_grid_counts_no_kind() -> None:
    assert not [name for name in imported_modules("vistok.grid.load") if "kinds" in name.split(".")[1:-1]]


def test_a_module_that_a_step_does_not_import_is_refused() -> None:
    with pytest.raises(VistokError, match=r"vistok\.steps\.tabulate does not import vistok\.mllm\.model"):
        code(STEPS["tabulate"], "vistok.mllm.model")
