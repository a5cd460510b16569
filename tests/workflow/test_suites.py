"""What is set for a step holds for its rule of each suite."""

from vistok.workflow.suites import share_out


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
