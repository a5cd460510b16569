"""Language models come to read ETT's codes at the smoke scale: by an index, by embeddings, and by a tokenizer tuned."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.steps.test_stages import save_llm
from tests.supervision.ibq.conftest import pictures

from vistok.checkpoints import read_tensors
from vistok.datasets.rows import QuestionAnswer
from vistok.datasets.shards import write_rows
from vistok.errors import VistokError
from vistok.grid.ett import EttPaths
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.grid.runs import Run
from vistok.grid.study import Study
from vistok.grid.tasks import Decoding
from vistok.steps import train_cell_nets, train_ibq, tune_mllm
from vistok.steps.models import load_trained


@pytest.fixture(scope="module")
def study(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    """The smoke study with its tokenizer of ETT's, and a language model of random weights."""
    result = load_study("smoke", root=repository)
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("checkout")
        (root / "workflow").symlink_to(repository / "workflow")
        patch.chdir(root)
        for seed, name in enumerate(("coco-train", "objects365", "web")):
            told = {"captions": ("a ring and a box",), "questions": (QuestionAnswer("what is it?", "ring"),)}
            rows = (replace(row, **told) for row in pictures(24, seed))  # type: ignore[arg-type]
            write_rows(rows, Paths(result).shards(name), categories=("square", "bar"))
        train_cell_nets.run(result)
        train_ibq.run(result)
        for llm in ("llama-7b", "vicuna-7b"):
            save_llm(result, llm)
        yield result


def trained(study: Study, tokenizer: str, recipe: str) -> Run:
    """Trains a row and the stage in front of it, once; returns its run."""
    wanted = Run(tokenizer=tokenizer, recipe=recipe, llm="vicuna-7b", seed=0)
    for run in study.stages([wanted]):
        tune_mllm.run(study, run)
    return wanted


def held(study: Study, run: Run) -> set[str]:
    """Returns the parts that a run's checkpoint holds."""
    return {name.partition(".")[0] for name in read_tensors(Paths(study).mllm(run) / "model.safetensors")}


@pytest.mark.parametrize(
    ("tokenizer", "recipe", "parts"),
    [
        ("ibq-codes", "index-frozen", {"connector", "llm"}),
        ("ibq", "embedding-frozen", {"connector", "llm"}),
        ("ibq", "embedding-tuned", {"connector", "llm", "tokenizer"}),
        ("ibq", "embedding-tuned-alone", {"connector", "llm", "tokenizer"}),
    ],
)
def test_a_row_is_trained_in_two_stages_and_answers(
    study: Study, tokenizer: str, recipe: str, parts: set[str]
) -> None:
    run = trained(study, tokenizer, recipe)
    assert held(study, run) == parts
    before = study.followed(run)
    assert before and held(study, before) == {"connector"}
    model = load_trained(study, run).eval()
    images = torch.randint(0, 256, (2, 3, 48, 48), dtype=torch.uint8)
    with torch.no_grad():
        given = model.conditioning(model.see(images))
    answers = model.llm.generate(
        given, ["</Img>How many rings are in the image?"] * 2, Decoding(max_new_tokens=3)
    )
    assert len(answers) == 2 and given.front.shape[1] == len(model.llm.words.before_image) + 36


def test_tuning_moves_the_whole_tokenizer_and_its_own_loss_alone_the_decoder(study: Study) -> None:
    made = read_tensors(EttPaths(study).checkpoint("ibq") / "model.safetensors")

    def moved(recipe: str) -> set[str]:
        run = trained(study, "ibq", recipe)
        tuned = read_tensors(Paths(study).mllm(run) / "model.safetensors")
        return {
            name.split(".")[0]
            for name in made
            if not torch.equal(made[name], tuned[f"tokenizer.trunk.{name}"])
        }

    assert moved("embedding-tuned") == {"encoder", "codebook", "decoder"}
    assert moved("embedding-tuned-alone") == {"encoder", "codebook"}


def test_the_same_commit_makes_the_same_weights(study: Study) -> None:
    run = trained(study, "ibq", "embedding-tuned")
    file = Paths(study).mllm(run) / "model.safetensors"
    first = file.read_bytes()
    shutil.rmtree(file.parent)
    assert trained(study, "ibq", "embedding-tuned") == run and file.read_bytes() == first


def test_what_taught_the_tokenizer_is_a_part_that_is_checked(study: Study) -> None:
    run = trained(study, "ibq", "embedding-tuned")
    inputs = json.loads((Paths(study).mllm(run) / "provenance.json").read_text())["inputs"]
    teacher = EttPaths(study).checkpoint("perceptual")
    assert {path for path in inputs if path.startswith("checkpoints/smoke/ett")} == {
        teacher.as_posix(), EttPaths(study).checkpoint("ibq").as_posix(),
    }  # fmt: skip
    kept = teacher.rename(teacher.with_name("kept"))
    shutil.copytree(EttPaths(study).checkpoint("judge"), teacher)
    with pytest.raises(
        VistokError, match=r"made from another checkpoints/smoke/ett/perceptual than is there now"
    ):
        load_trained(study, run)
    shutil.rmtree(teacher)
    kept.rename(teacher)


def test_what_is_not_there_is_named(study: Study) -> None:
    with pytest.raises(VistokError, match="unknown tokenizer 'ibq-code'"):
        study.run("ibq-code/index-frozen/vicuna-7b/seed-0")
    assert study.run("ibq/embedding-tuned/vicuna-7b/seed-0").recipe == "embedding-tuned"
