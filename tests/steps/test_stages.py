"""Every model of Table 5 is trained whole at the size of smoke, stage behind stage, and answers."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vistok.checkpoints import read_tensors
from vistok.datasets.coco import ObjectAnnotation
from vistok.datasets.rows import ImageRow, QuestionAnswer
from vistok.datasets.shards import write_rows
from vistok.errors import VistokError
from vistok.files import digest_value
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.grid.runs import Run
from vistok.grid.specs import llm_spec
from vistok.grid.study import Study
from vistok.grid.tables import Row
from vistok.grid.tasks import Decoding
from vistok.mllm.language_models.load import build_language_model, save_language_model
from vistok.provenance import content_digest, proven_folder, read_provenance
from vistok.steps import tune_mllm
from vistok.steps.models import assemble, follow, load_trained

WORDS = [
    "<Img>a red ring and a box</Img>How many rings boxes are in the image? 1 2 3",
    "Does ring box exist in the image? Yes. No. Question: what is it? Answer: what does the image describe?",
]
TOKENIZER = "deit"


def png(number: int) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def study(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The smoke study with language models of random weights, and a tokenizer that nothing trains."""
    loaded = load_study("smoke", root=repository)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("checkout"))
        entry = loaded.tokenizer(TOKENIZER).model_copy(
            update={"objective": None, "image_set": None, "encoder": loaded.encoder(TOKENIZER)}
        )
        result = replace(loaded, tokenizers={**loaded.tokenizers, TOKENIZER: entry})
        for llm in dict.fromkeys(run.llm for run in result.stages(runs(result))):
            save_llm(result, llm)
        rows = [
            ImageRow(
                str(number),
                png(number),
                captions=("a red ring and a box",),
                objects=(ObjectAnnotation("ring", (1, 1, 9, 9), False),) * (1 + number % 3),
                questions=(QuestionAnswer("what is it?", "ring"),),
            )
            for number in range(12)
        ]
        for name in result.scale.mixture:
            write_rows(iter(rows), Paths(result).shards(name), categories=("ring", "box"))
        yield result


def save_llm(study: Study, llm: str) -> None:
    torch.manual_seed(1)
    kind, size = study.llm(llm).kind, study.language_model_size(llm)
    assert size
    inputs, base = {"spec": digest_value(llm_spec(study, llm))}, study.llm(llm).base
    if base and Paths(study).llm(base).exists():
        inputs[Paths(study).llm(base).as_posix()] = content_digest(read_provenance(Paths(study).llm(base)))
    about = {"name": f"llms/{llm}", "identity": "a", "inputs": inputs}
    with proven_folder(Paths(study).llm(llm), about) as partial:
        save_language_model(partial, build_language_model(kind, size, WORDS))


def runs(study: Study) -> tuple[Run, ...]:
    """Returns the runs of Table 5 that others than GVT's stand for, on one tokenizer."""
    rows = [row for row in study.table("table-5").rows if isinstance(row, Row) and row.own_models]
    return tuple(Run(tokenizer=TOKENIZER, recipe=row.recipe, llm=row.llm, seed=0) for row in rows)


def trained(study: Study, recipe: str) -> Run:
    """Trains a model of the table and all that its training follows, once; returns its run."""
    (wanted,) = (run for run in runs(study) if run.recipe == recipe)
    for run in study.stages([wanted]):
        tune_mllm.run(study, run)
    return wanted


def connector(study: Study, run: Run) -> dict[str, torch.Tensor]:
    held = read_tensors(Paths(study).mllm(run) / "model.safetensors")
    return {name: tensor for name, tensor in held.items() if name.startswith("connector.")}


@pytest.mark.parametrize("recipe", ["flamingo", "kosmos-1", "llava", "blip-2", "minigpt-4"])
def test_a_model_of_the_table_is_trained_and_answers(study: Study, recipe: str) -> None:
    model = load_trained(study, trained(study, recipe)).eval()
    images = torch.randn(2, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    given = model.conditioning(model.see(images))
    answers = model.llm.generate(
        given, ["</Img>How many rings are in the image?"] * 2, Decoding(max_new_tokens=3)
    )
    assert len(answers) == 2 and all(isinstance(answer, str) for answer in answers)
    losses = model.llm.option_losses(given, ["</Img>what is it?"] * 2, [["ring", "box"]] * 2)
    assert all(np.isfinite(loss) for row in losses for loss, _ in row)


def test_the_second_stage_goes_on_with_the_queries_of_the_first(study: Study) -> None:
    run = trained(study, "blip-2")
    (first, second) = study.stages([run])
    assert first.recipe == "blip-2-alignment"
    model = assemble(study, run)
    fresh = {name: tensor.clone() for name, tensor in model.trained_tensors().items()}
    follow(study, run, model)
    before, after = connector(study, first), connector(study, second)
    assert all(torch.equal(model.trained_tensors()[name], tensor) for name, tensor in before.items())
    assert not torch.equal(fresh["connector.former.queries"], before["connector.former.queries"])
    assert not torch.equal(after["connector.former.queries"], before["connector.former.queries"])


def test_a_frozen_q_former_stays_and_its_projection_is_new(study: Study) -> None:
    run = trained(study, "minigpt-4")
    before, after = connector(study, study.stages([run])[-2]), connector(study, run)
    moved = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert moved == {"connector.projection.weight", "connector.projection.bias"}
    fresh = assemble(study, run)
    follow(study, run, fresh)
    assert not torch.equal(fresh.connector.projection.weight, before["connector.projection.weight"])


def test_another_first_stage_than_it_followed_is_refused(study: Study) -> None:
    run = trained(study, "blip-2")
    stage = Paths(study).mllm(study.stages([run])[0])
    about = read_provenance(stage)
    digest = content_digest(about)
    assert read_provenance(Paths(study).mllm(run))["inputs"][stage.as_posix()] == digest
    moved = stage.with_name("elsewhere")
    stage.rename(moved)
    try:
        with proven_folder(
            stage, {"name": about["name"], "identity": "b", "inputs": about["inputs"]}
        ) as partial:
            for file in moved.iterdir():
                if file.name in ("model.safetensors", "config.json"):
                    (partial / file.name).write_bytes(file.read_bytes() + b"\n")
        with pytest.raises(VistokError, match=r"made from another .*blip-2-alignment.* than is there now"):
            load_trained(study, run)
    finally:
        for file in stage.iterdir():
            file.unlink()
        stage.rmdir()
        moved.rename(stage)
