"""The plan agrees with what it stands for: real modules, real jobs, files that are there."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from vistok.cli import main
from vistok.errors import VistokError
from vistok.grid.language_models import EncoderDecoder
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.mllm.connectors.base import build_connector
from vistok.mllm.language_models.load import build_language_model
from vistok.planning.costs import tuning
from vistok.planning.language_weights import check_released_model
from vistok.planning.plan import Rates, chosen, lines, make_plan
from vistok.planning.units import readable_bytes


@pytest.fixture(autouse=True)
def in_checkout(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)


@pytest.fixture
def paper() -> Study:
    return load_study("paper")


@pytest.mark.parametrize(("scale", "tokenizer"), [("paper", "clip"), ("mini", "clip")])
def test_the_connector_has_as_many_parameters_as_planned(scale: str, tokenizer: str) -> None:
    study = load_study(scale)
    width = study.encoder(tokenizer).width
    value, llm_width = study.recipe("frozen").connector, study.shape("vicuna-7b").width
    with torch.device("meta"):
        built = build_connector(value, width, llm_width)
    assert value.parameters(width, llm_width) == sum(p.numel() for p in built.parameters())


@pytest.mark.parametrize("llm", ["vicuna-7b", "flan-t5-xxl"])
def test_the_own_language_model_has_as_many_parameters_as_planned(llm: str) -> None:
    study = load_study("mini")
    shape, size = study.shape(llm), study.language_model_size(llm)
    assert size is not None
    corpus = (f"word-{number}" for number in range(shape.vocabulary - 7))
    built = build_language_model(study.llm(llm).kind, size, corpus).network
    assert (built.config.hidden_size, built.config.num_hidden_layers) == (shape.width, shape.layers)
    assert shape.parameters == built.num_parameters()


def test_the_published_language_model_has_as_many_parameters_as_stated(paper: Study) -> None:
    """LLaMA-7B by its published configuration; a model without memory."""
    from transformers import LlamaConfig, LlamaForCausalLM

    entry = paper.llm("vicuna-7b")
    config = LlamaConfig(
        vocab_size=entry.vocabulary,
        hidden_size=entry.width,
        num_hidden_layers=entry.layers,
        intermediate_size=11008,
        num_attention_heads=32,
    )
    with torch.device("meta"):
        assert LlamaForCausalLM(config).num_parameters() / 1e6 == pytest.approx(entry.parameters_m, abs=0.01)


@pytest.mark.parametrize("llm", ["t5-xxl", "flan-t5-xxl"])
def test_the_published_t5_has_as_many_parameters_as_stated(paper: Study, llm: str) -> None:
    """T5-XXL 1.1 by its published configuration; a model without memory."""
    from transformers import T5Config, T5ForConditionalGeneration

    entry = paper.llm(llm)
    config = T5Config(
        vocab_size=entry.vocabulary,
        d_model=entry.width,
        num_layers=entry.layers,
        num_heads=64,
        d_kv=64,
        d_ff=10240,
        feed_forward_proj="gated-gelu",
    )
    with torch.device("meta"):
        built = T5ForConditionalGeneration(config)
    output = (
        entry.vocabulary * entry.width
    )  # of its own in the published weights; transformers ties a new one
    assert (built.num_parameters() + output) / 1e6 == pytest.approx(entry.parameters_m, abs=0.01)
    plan = entry.shape.own(entry.width, entry.layers, 10240, 64, entry.vocabulary)
    assert plan.parameters == built.num_parameters()
    encoder = sum(p.numel() for p in built.encoder.block.parameters())
    decoder = sum(p.numel() for p in built.decoder.block.parameters())
    assert encoder / (encoder + decoder) == pytest.approx(EncoderDecoder.encoder_share, abs=0.01)
    assert {name: config.to_dict()[key] for name, key in entry.shape.config.items()} == {
        "width": entry.width,
        "layers": entry.layers,
    }


def test_a_training_costs_about_what_the_paper_took(paper: Study) -> None:
    """2 days on 32 V100s, of 125 TFLOP/s each: our count is between a tenth and a half of their peak."""
    flops = tuning(paper, paper.run("clip/frozen/vicuna-7b/seed-0")).flops
    assert 0.1 < flops / (2 * 86400 * 32 * 125e12) < 0.5


def test_cost_follows_what_it_depends_on(paper: Study) -> None:
    run, tuned = (paper.run(f"clip/{recipe}/vicuna-7b/seed-0") for recipe in ("frozen", "tuned"))
    one, whole = tuning(paper, run), tuning(sized(paper, positions=None), run)
    many = tuning(sized(paper, positions=None, gpus=128), run)
    assert one.flops == whole.flops == many.flops
    assert one.memory == many.memory, "8 of 1,024 long answers at a time"
    assert whole.memory > 10 * many.memory > 10 * 2 * 6.7e9
    assert tuning(paper, tuned).stored - one.stored == pytest.approx(4 * 85.8e6)


def test_memory_leaves_room_for_the_longest_answer_of_the_mixture(paper: Study) -> None:
    """Of eight at a time; where a batch is cut by length, as many more short ones have as many positions."""
    run, cut = (
        paper.run("clip/frozen/vicuna-7b/seed-0"),
        tuning(paper, paper.run("clip/frozen/vicuna-7b/seed-0")),
    )
    paper = sized(paper, positions=None, gpus=128)
    sets = tuple(name for name in paper.scale.mixture if name != "llava")
    without = replace(paper, scale=paper.scale.model_copy(update={"mixture": sets}))
    assert tuning(paper, run).flops == tuning(without, run).flops, "they are few"
    assert cut.memory == pytest.approx(tuning(paper, run).memory, rel=0.01)
    more = tuning(paper, run).memory - tuning(without, run).memory
    assert more == pytest.approx(8 * 512 * (44 * 4096 * 32 + 6 * 32000))


def sized(study: Study, **changed: object) -> Study:
    """Returns a study whose trainings ask for something else."""
    size = study.scale.job("tune-mllm").model_copy(update=changed)
    scale = study.scale.model_copy(update={"resources": {**study.scale.resources, "tune-mllm": size}})
    return replace(study, scale=scale)


def test_jobs_are_those_of_the_workflow(paper: Study) -> None:
    plan = make_plan(paper, paper.runs("table-2"))
    runs = len(paper.runs("table-2"))
    assert {step: len(plan.of(step)) for step in ("tune-mllm", "answer", "score-run", "write-shards")} == {
        "tune-mllm": runs,
        "answer": runs + len({run.llm for run in paper.runs("table-2")}),
        "score-run": runs,
        "write-shards": 7,
    }
    shards = {job.name: job.cost.stored for job in plan.of("write-shards")}
    assert shards["coco-train"] == shards["llava"] == 19_336_861_798, (
        "both hold the photographs of train2017 again"
    )
    assert shards["visual-genome"] == 9_731_705_982 + 5_471_658_058
    mini = load_study("mini")
    plan = make_plan(mini, [mini.run("clip/frozen/vicuna-7b/seed-0")])
    assert sorted(job.name for job in plan.of("write-shards")) == ["coco-train", "objects365", "web"]
    assert [job.name for job in plan.of("train-llm")] == ["llama-7b", "vicuna-7b"]
    plan = make_plan(mini, [mini.run("fd/frozen/vicuna-7b/seed-0")])
    assert [job.name for job in plan.of("pretrain-tokenizer")] == ["clip/seed-0", "fd/seed-0"]
    assert sorted(job.name for job in plan.of("write-shards")) == [
        "coco-train",
        "imagenet",
        "objects365",
        "web",
    ]


def test_hours_are_operations_over_a_stated_rate(paper: Study) -> None:
    runs = [paper.run("clip/frozen/vicuna-7b/seed-0")]
    once, twice = (make_plan(paper, runs, Rates(tflops=rate)).hours(gpu=True) for rate in (100, 200))
    assert once == pytest.approx(2 * twice)
    half = make_plan(paper, runs, Rates(tflops=100, utilisation=0.9, answering=0.1)).hours(gpu=True)
    assert half == pytest.approx(twice)


def test_what_is_there_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path
) -> None:
    (tmp_path / "workflow").symlink_to(repository / "workflow")
    monkeypatch.chdir(tmp_path)
    study = load_study("paper", data_root=str(tmp_path / "data"))
    run = study.run("clip/frozen/vicuna-7b/seed-0")
    before = make_plan(study, [run])
    assert "gvtbench-coco-oc" in before.to_fetch
    Paths(study).mllm(run).mkdir(parents=True)
    (tmp_path / "data/gvtbench").mkdir(parents=True)
    (tmp_path / "data/gvtbench/coco_oc.json").write_text(json.dumps([]))
    after = make_plan(study, [run])
    assert [job.done for job in after.of("tune-mllm")] == [True]
    assert after.hours(gpu=True) < before.hours(gpu=True) / 10
    assert after.memory < before.memory
    assert "gvtbench-coco-oc" not in after.to_fetch
    assert after.disk < before.disk


def test_shards_take_what_is_there_not_what_archives_state(tmp_path: Path) -> None:
    """A part of Open Images was asked for half a terabyte."""
    for index in range(700):
        path = tmp_path / f"data/openimages/train/train_{index % 2}/{index}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(1000))
    study = load_study("paper", data_root=str(tmp_path / "data"))
    plan = make_plan(study, [study.run("clip/frozen/vicuna-7b/seed-0")])
    (openimages,) = (job.cost.stored for job in plan.of("write-shards") if job.name == "openimages")
    assert openimages == pytest.approx(700_000)


def test_targets_are_tables_or_runs(paper: Study) -> None:
    assert chosen(paper, []) == paper.runs()
    run = "mae/tuned/vicuna-7b/seed-7"
    assert [found.path for found in chosen(paper, [run, run])] == [run]
    with pytest.raises(VistokError, match=r"unknown table 'table-22'"):
        chosen(paper, ["table-22"])
    with pytest.raises(VistokError, match="unknown tokenizer"):
        chosen(paper, ["x; rm -rf ~/frozen/vicuna-7b/seed-0"])


def test_the_verb_prints_it(capsys: pytest.CaptureFixture[str], paper: Study) -> None:
    assert main(["plan", "--scale", "paper", "clip/frozen/vicuna-7b/seed-0", "--tflops", "990"]) == 0
    output = capsys.readouterr().out
    assert "990 TFLOP/s a GPU at 45%" in output
    assert "GPU-hours" in output
    assert "vcr-images" in output
    assert len(lines(make_plan(paper, paper.runs()))) > 10


@pytest.mark.parametrize(
    ("verb", "option", "value", "legal"),
    [
        ("plan", "--tflops", "0", "a finite number above 0"),
        ("plan", "--tflops", "-3", "a finite number above 0"),
        ("plan", "--tflops", "nan", "a finite number above 0"),
        ("plan", "--tflops", "inf", "a finite number above 0"),
        ("plan", "--utilisation", "40", "a number above 0 and at most 1"),
        ("plan", "--utilisation", "nan", "a number above 0 and at most 1"),
        ("plan", "--answering-utilisation", "0", "a number above 0 and at most 1"),
        ("plan", "--cpu-gflops", "-1", "a finite number above 0"),
        ("doctor", "--gpu-memory", "nan", "a finite number above 0"),
    ],
)
def test_a_rate_that_is_none_is_refused(
    capsys: pytest.CaptureFixture[str], verb: str, option: str, value: str, legal: str
) -> None:
    assert main([verb, f"{option}={value}"]) == 1
    written = capsys.readouterr()
    assert written.out == ""
    assert f"vistok: {option}: {legal} is needed, found {value}." in written.err


def test_planning_imports_no_torch() -> None:
    from tests.test_cli import modules_after

    assert modules_after("from vistok.cli import main\nmain(['plan'])") & {"torch", "transformers"} == set()


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 * 2**30, "3.0 GiB"), (2**50, "1,024.0 TiB")],
)
def test_bytes_are_said_with_a_unit(count: int, said: str) -> None:
    assert readable_bytes(count) == said


def test_every_released_model_is_planned_with_the_suites_that_its_table_asks(paper: Study) -> None:
    costs: dict[str, float] = {}
    for name, entry in paper.released.items():
        plan = make_plan(paper, chosen(paper, [f"released/{name}"]))
        suites = {job.name.split()[-1] for job in plan.of("answer")}
        assert suites == ({"gvt"} if entry.even else {"gvt", "even"}), name
        assert all(job.cost.flops > 0 and job.cost.memory > 0 for job in plan.of("answer"))
        costs[name] = sum(job.cost.flops for job in plan.of("answer") if job.name.endswith("gvt"))
    assert costs["minigpt-4"] > costs["kosmos-2"], "7.8 B parameters and 1.7 B"
    whole = make_plan(paper, paper.subjects("table-5-released"))
    answered = {job.name.split()[0] for job in whole.of("answer")}
    assert {f"released/{name}" for name in paper.released} < answered


def test_the_doctor_says_of_every_released_model_that_it_is_not_here(
    paper: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    for name in paper.released:
        with pytest.raises(VistokError, match=r"hf download|weights not found: data/paper/weights/minigpt-4"):
            check_released_model(paper, name)
