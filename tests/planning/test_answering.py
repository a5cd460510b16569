"""Answers are counted as they are made: what is looked at, read and written, and how often."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from vistok.grid.load import load_study
from vistok.grid.study import Study
from vistok.planning.answering import answering, answering_blind
from vistok.planning.plan import Rates

RUN = "clip/frozen/vicuna-7b/seed-0"
MEASURED = "benchmarks/results/mini-2026-11-26.json"


@pytest.fixture(autouse=True)
def in_checkout(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)


@pytest.fixture
def paper() -> Study:
    return load_study("paper")


def asking_only(study: Study, task: str) -> Study:
    """Returns a study whose other tasks ask nothing."""
    asked = {
        other.id: 0 for suite in study.suites_asked() for other in study.suite(suite) if other.id != task
    }
    return replace(study, scale=study.scale.model_copy(update={"asked": asked}))


def test_a_photograph_is_looked_at_once_for_all_questions_about_it(paper: Study) -> None:
    """It was counted for each question: 214,354 of VQAv2 are about 40,504 photographs."""
    paper = asking_only(paper, "vqav2")
    task, run, llm = paper.task("vqav2"), paper.run(RUN), paper.shape("vicuna-7b")
    encoder, connector = paper.tapped(run), paper.recipe("frozen").connector
    look = 2 * encoder.parameters_m * 1e6 * encoder.tokens
    look += connector.operations(encoder.tokens, encoder.width, llm.width)
    front, question, answer = 8 + 32, 18, 32
    read = 2 * llm.parameters * (40_504 * front + 214_354 * question)
    written = 2 * llm.parameters * 214_354 * answer
    cost = answering(paper, run, "gvt")
    assert (task.expected_questions, task.expected_images) == (214_354, 40_504)
    assert cost.flops == pytest.approx(40_504 * look + read + written)
    assert cost.written == pytest.approx(written)


def test_beams_read_a_prompt_as_often_as_they_write(paper: Study) -> None:
    paper = asking_only(paper, "coco-caption")
    llm = paper.shape("vicuna-7b")
    cost = answering_blind(paper, "vicuna-7b", "gvt")
    assert cost.flops == pytest.approx(2 * llm.parameters * 5_000 * 5 * (8 + 24 + 32))


def test_options_are_read_and_nothing_is_written(paper: Study) -> None:
    cost = answering(paper, paper.run("eva-clip/instruction/vicuna-7b/seed-0"), "seed-bench")
    assert cost.written == 0 < cost.flops


def test_a_released_model_reads_its_image_for_each_question(paper: Study) -> None:
    """LLaVA's 576 tokens were counted at the rate of writing: 41 GPU-hours where they are read in a few."""
    paper = asking_only(paper, "vqav2")
    cost = answering(paper, paper.subject("released/llava"), "gvt")
    seeing, joining, whole = 303.51e6, 20.98e6, 7063.4e6
    llm = whole - seeing - joining
    each = 577 * seeing + 576 * joining + llm * (576 + 18 + 32)
    assert cost.flops == pytest.approx(2 * 214_354 * each)
    hours = Rates().seconds(cost, 1) / 3600
    assert 3 < hours < 10 and cost.written / cost.flops < 0.1


def test_a_released_model_s_own_beams_are_counted(paper: Study) -> None:
    """GVT's code has MiniGPT-4 answer VQAv2 with five."""
    paper = asking_only(paper, "vqav2")
    even, own = (
        answering(paper, paper.subject(f"released/minigpt-4{ending}"), "gvt") for ending in ("", "-as-asked")
    )
    assert own.written == pytest.approx(even.written * 5 * 16 / 32)


def test_the_rate_of_writing_is_that_of_words_alone(paper: Study) -> None:
    cost = answering(paper, paper.run(RUN), "gvt")
    slow, fast = (Rates(answering=share).seconds(cost, 1) for share in (0.05, 0.1))
    words = cost.written / (312e12 * 0.05)
    assert slow - fast == pytest.approx(words / 2)
    assert slow == pytest.approx(words + (cost.flops - cost.written) / (312e12 * 0.45))


def test_mini_asks_as_many_questions_as_were_scored() -> None:
    columns = [
        column
        for table in json.loads(Path(MEASURED).read_text())["tables"].values()
        for column in table["columns"]
    ]
    asked = load_study("mini").scale.asked
    scored = {column["task"]: column["n"] for column in columns if column["task"] in asked}
    assert len(scored) >= 6 and scored.items() <= asked.items()
