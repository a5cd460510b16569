"""A model answers with the very parts that it was trained with: those that its checkpoint holds, or digests."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from vistok.checkpoints import save_checkpoint
from vistok.errors import VistokError
from vistok.files import digest_value
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.grid.runs import Run
from vistok.grid.specs import llm_spec, mllm_spec
from vistok.grid.study import Study
from vistok.headers import read_shapes
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.language_models.load import save_language_model
from vistok.mllm.words import make_word_tokenizer
from vistok.provenance import content_digest, proven_folder, read_provenance
from vistok.steps.models import assemble, frozen_digests, load_trained, stored_tensors

RUN = Run(tokenizer="deit", recipe="frozen", llm="vicuna-7b", seed=0)


@pytest.fixture
def study(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """The smoke study with a language model, and with a tokenizer of random weights that nothing trains."""
    loaded = load_study("smoke", root=repository)
    monkeypatch.chdir(tmp_path)
    tokenizer = loaded.tokenizer("deit").model_copy(
        update={"objective": None, "image_set": None, "encoder": loaded.encoder("deit")}
    )
    result = replace(loaded, tokenizers={**loaded.tokenizers, "deit": tokenizer})
    save_llm(result, seed=1)
    return result


def save_llm(study: Study, seed: int) -> None:
    torch.manual_seed(seed)
    size = study.scale.language_model["causal"]
    words = make_word_tokenizer(["<Img>a cat</Img>How many cats? 2"])
    inputs = {"spec": digest_value(llm_spec(study, RUN.llm))}
    about = {"name": f"llms/{RUN.llm}", "identity": "a", "inputs": inputs}
    with proven_folder(Paths(study).llm(RUN.llm), about) as partial:
        save_language_model(partial, CausalLanguageModel.build(size, words))


def train(study: Study) -> dict[str, torch.Tensor]:
    """Saves a run's checkpoint as its step does, but for the training; returns the weights that it has."""
    torch.manual_seed(5)
    model, paths = assemble(study, RUN), Paths(study)
    held, llm = stored_tensors(study, RUN, model), paths.llm(RUN.llm)
    inputs = {
        llm.as_posix(): content_digest(read_provenance(llm)),
        "spec": digest_value(mllm_spec(study, RUN)),
    }
    about = {"name": f"mllms/{RUN.path}", "identity": "a", "inputs": inputs}
    save_checkpoint(paths.mllm(RUN), held, {"frozen": frozen_digests(model, held)}, about)
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_a_frozen_encoder_of_random_weights_answers_as_it_was_trained(study: Study) -> None:
    trained = train(study)
    torch.manual_seed(99)
    loaded = load_trained(study, RUN).state_dict()
    assert loaded.keys() == trained.keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in trained.items())
    assert any(
        name.startswith("tokenizer.") for name in read_shapes(Paths(study).mllm(RUN) / "model.safetensors")
    )


def test_another_language_model_than_it_was_trained_with_is_refused(study: Study) -> None:
    train(study)
    save_llm(study, seed=2)
    with pytest.raises(
        VistokError, match="made from another checkpoints/smoke/llms/vicuna-7b than is there now"
    ):
        load_trained(study, RUN)


def test_published_weights_that_changed_under_their_name_are_refused(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a hub gives out another model under the same name: no checkpoint of this project changes."""
    train(study)
    monkeypatch.setattr("vistok.steps.models.load_llm", lambda *_, **__: another_llm(study))
    with pytest.raises(VistokError, match="was trained with other weights than are loaded now: llm"):
        load_trained(study, RUN)


def another_llm(study: Study) -> CausalLanguageModel:
    torch.manual_seed(3)
    size = study.scale.language_model["causal"]
    words = make_word_tokenizer(["<Img>a cat</Img>How many cats? 2"])
    return CausalLanguageModel.build(size, words)
