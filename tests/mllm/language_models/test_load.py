"""Language models on disk: saved, loaded, truncated, of another shape, or not there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerBase

from vistok.errors import VistokError
from vistok.grid.training_sizes import LanguageModelSize
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.language_models.load import load_language_model, save_language_model


def test_a_tokenizer_comes_back_from_its_folder(
    words: PreTrainedTokenizerBase, llm: CausalLanguageModel, corpus: tuple[str, ...], tmp_path: Path
) -> None:
    save_language_model(tmp_path, llm)
    model = load_language_model(tmp_path)
    again = model.words.tokenizer
    for text in corpus:
        assert again(text)["input_ids"] == words(text)["input_ids"]
    for (name, loaded), (_, saved) in zip(model.named_parameters(), llm.named_parameters(), strict=True):
        assert torch.equal(loaded, saved), name
    assert again.pad_token == again.eos_token == "</s>"


def test_what_is_saved_again_does_not_tell_how_it_was_loaded(
    llm: CausalLanguageModel, tmp_path: Path
) -> None:
    """Without a network transformers notes that it read local files alone: the same training, other bytes."""
    save_language_model(tmp_path / "base", llm)
    loaded = load_language_model(tmp_path / "base")
    loaded.words.tokenizer.init_kwargs["local_files_only"] = True
    save_language_model(tmp_path / "offline", loaded)
    save_language_model(tmp_path / "online", load_language_model(tmp_path / "base"))
    offline, online = (
        (tmp_path / name / "tokenizer_config.json").read_bytes() for name in ("offline", "online")
    )
    assert offline == online and b"local_files_only" not in offline


def test_a_loaded_model_is_frozen(llm: CausalLanguageModel, tmp_path: Path) -> None:
    save_language_model(tmp_path, llm.train())
    model = load_language_model(tmp_path)
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    half = load_language_model(tmp_path, precision=torch.bfloat16)
    assert {parameter.dtype for parameter in half.parameters()} == {torch.bfloat16}


def test_weights_start_with_a_deviation_of_one_over_the_root_of_the_width(
    size: LanguageModelSize, words: PreTrainedTokenizerBase
) -> None:
    torch.manual_seed(0)
    wide = size.model_copy(update={"width": 64, "feedforward": 192})
    model = CausalLanguageModel.build(wide, words).network
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            assert parameter.std().item() == pytest.approx(64**-0.5, rel=0.05), name
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    config = model.config
    assert (config.vocab_size, config.hidden_size, config.num_hidden_layers) == (len(words), 64, size.layers)
    assert (config.num_attention_heads, config.intermediate_size) == (size.heads, 192)
    assert config.max_position_embeddings == size.context


@pytest.fixture
def saved(llm: CausalLanguageModel, tmp_path: Path) -> Path:
    save_language_model(tmp_path, llm)
    return tmp_path


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(VistokError, match=r"language model .*nowhere' cannot be loaded: .*llms\.yaml"):
        load_language_model(tmp_path / "nowhere")


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_truncated_folder(saved: Path, file: str) -> None:
    path = saved / file
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(VistokError, match=r"cannot be loaded: .+ make a folder of this project again\."):
        load_language_model(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"num_hidden_layers": 3},
            r"lack 9 of the tensors of its config \(model\.layers\.2\.input_layernorm",
        ),
        ({"hidden_size": 64}, "mismatch"),
        ({"model_type": "lama"}, "model type `lama`"),
    ],
)
def test_weights_of_another_architecture(saved: Path, change: dict[str, object], message: str) -> None:
    config = json.loads((saved / "config.json").read_text())
    (saved / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(VistokError, match=f"cannot be loaded: .*{message}"):
        load_language_model(saved)


def test_a_published_name_without_network_fails_at_once() -> None:
    code = (
        "import time\n"
        "from vistok.errors import VistokError\n"
        "from vistok.mllm.language_models.load import load_language_model\n"
        "import transformers.models.auto.modeling_auto, transformers.models.auto.tokenization_auto\n"
        "start = time.monotonic()\n"
        "try:\n"
        "    load_language_model('vistok-tests/no-such-model')\n"
        "except VistokError as error:\n"
        "    print(round(time.monotonic() - start, 3), error)\n"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": os.devnull}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    seconds, output = done.stdout.strip().split(" ", 1)
    assert output.startswith("language model 'vistok-tests/no-such-model' cannot be loaded: ")
    assert "machine with network" in output and "workflow/grid/llms.yaml" in output
    assert float(seconds) < 10
