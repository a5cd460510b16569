"""A step as a rule takes it, and what a profile sets for it."""

from types import SimpleNamespace

from vistok.grid.steps import STEPS
from vistok.workflow.files import Files
from vistok.workflow.rules import StepRule, share_out

CLIP = "clip/frozen/vicuna-7b/seed-0"


def test_files_of_a_rule_keep_the_wildcards(mini: Files) -> None:
    answer = StepRule(mini.study, STEPS["answer"], {"suite": "gvt"})
    assert answer.name == "answer_gvt"
    assert answer.outputs[0] == "results/mini/{run}/vqav2/predictions.jsonl"
    assert (answer.log, str(answer.step.benchmark(answer.study, "{run}", "gvt"))) == (
        "logs/mini/answer/{run}/gvt.log",
        "benchmarks/mini/answer/{run}/gvt.tsv",
    )
    assert StepRule(mini.study, STEPS["audit"]).name == "paper_audit"


def test_a_job_reads_and_depends_on_what_its_wildcards_name(mini: Files) -> None:
    answer = StepRule(mini.study, STEPS["answer"], {"suite": "gvt"})
    assert answer.inputs(SimpleNamespace(run=CLIP))[0] == f"checkpoints/mini/mllms/{CLIP}"
    tune = StepRule(mini.study, STEPS["tune-mllm"])
    frozen, tuned = (SimpleNamespace(run=CLIP.replace("frozen", name)) for name in ("frozen", "tuned"))
    assert tune.spec(frozen) != tune.spec(tuned)
    assert tune.source(frozen) == tune.source(tuned)


def test_shared_steps_are_of_the_scale_whose_models_answer(excerpt: Files) -> None:
    tune, tabulate = (StepRule(excerpt.study, STEPS[name]) for name in ("tune-mllm", "tabulate"))
    assert (tune.log, tabulate.log) == ("logs/mini/tune_mllm/{run}.log", "logs/excerpt/tabulate/{table}.log")


def test_a_setting_holds_for_the_rule_of_each_suite() -> None:
    settings = {"answer": "gpu", "tune_mllm": "gpu", "score_run": "cpu", "score_run_seed_bench": "here"}
    share_out(settings, ["gvt", "seed-bench"])
    assert settings == {
        "answer": "gpu",
        "tune_mllm": "gpu",
        "score_run": "cpu",
        "answer_gvt": "gpu",
        "answer_seed_bench": "gpu",
        "score_run_gvt": "cpu",
        "score_run_seed_bench": "here",
    }
