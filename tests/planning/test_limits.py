"""What jobs are let have is compared with what the plan says that they take."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vistok.cli import main
from vistok.errors import VistokError
from vistok.grid.load import load_study
from vistok.grid.steps import STEPS
from vistok.grid.study import Study
from vistok.planning.costs import cost_of
from vistok.planning.jobs import starting
from vistok.planning.limits import check_host_memory, check_hours, lines, retries
from vistok.planning.plan import Plan, Rates, make_plan
from vistok.planning.slurm import PROFILE

RUN = "clip/frozen/vicuna-7b/seed-0"
MEASURED = "benchmarks/results/planned-2026-11-27.json"


@pytest.fixture(autouse=True)
def in_checkout(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)


def planned(scale: str = "paper", **changed: Any) -> Plan:
    """Returns the plan of one run, whose training asks for something else."""
    study = load_study(scale)
    size = study.scale.job("tune-mllm").model_copy(update=changed)
    resources = {**study.scale.resources, "tune-mllm": size}
    return make_plan(sized(study, resources=resources), [study.run(RUN)])


def sized(study: Study, **changed: Any) -> Study:
    return replace(study, scale=study.scale.model_copy(update=changed))


def test_the_shipped_profile_lets_the_paper_scale_come_to_its_end() -> None:
    """It did not: 216 hours a run, and 192 in all submissions together."""
    study = load_study("paper")
    assert "tune-mllm takes" in check_hours(make_plan(study, study.subjects()), PROFILE)


def test_a_job_that_takes_longer_than_all_its_submissions_is_told(tmp_path: Path) -> None:
    profile = tmp_path / "config.yaml"
    profile.write_text("retries: 2\n")
    with pytest.raises(
        VistokError, match=r"tune-mllm takes 1\d\d\.\d h, and 3 submissions of 2880 minutes have 144"
    ):
        check_hours(planned(), profile)
    assert "tune-mllm" in check_hours(planned(gpus=8), profile), "eight GPUs share the hours"
    profile.write_text("retries: many\n")
    with pytest.raises(VistokError, match=r"`retries` is a whole number, found 'many'"):
        retries(profile)


def test_the_plan_and_the_doctor_say_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    profile = tmp_path / "config.yaml"
    profile.write_text("jobs: 3\n")
    assert any("TOO LITTLE: tune-mllm" in line for line in lines(planned(), profile))
    given = ["--scale", "paper", "--data-root", str(tmp_path), "--slurm-profile", str(profile), RUN]
    assert main(["doctor", *given, "--gpu-memory", "80"]) == 1
    said = [line for line in capsys.readouterr().out.splitlines() if "time limits" in line]
    assert len(said) == 1 and said[0].startswith("FAIL") and "raise `retries`" in said[0]


def test_the_memory_of_a_node_is_counted() -> None:
    assert check_host_memory(planned()).startswith("tune-mllm: 1")
    with pytest.raises(VistokError, match=r"tune-mllm: 1\d\d\.\d GiB of 59.6 GiB asked for on a node"):
        check_host_memory(planned(gpus=8))
    assert "GiB" in check_host_memory(planned(gpus=8, nodes=4))


@pytest.mark.parametrize("step", ["pretrain-tokenizer", "train-llm", "tune-mllm", "answer", "answer-blind"])
def test_the_plan_is_within_a_third_of_what_was_measured(step: str) -> None:
    """Of a whole build of mini, one training a row (benchmarks/planned.py)."""
    measured = json.loads(Path(MEASURED).read_text())["steps"][step]
    study = load_study("mini")
    jobs = [*STEPS[step].jobs(study, study.runs())]
    assert len(jobs) == measured["jobs"]
    seconds = sum(starting(step) + Rates().seconds(cost_of(study, step, *ids), 0) for ids in jobs)
    assert seconds == pytest.approx(measured["measured"], rel=0.3)
