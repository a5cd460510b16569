"""A language model is told to be there by its headers and by a prompt: whole, of its size, with its tokenizer."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tests.official_models import cached, flan_t5, gguf_llama, millions, qwen, vicuna
from transformers import PreTrainedModel

from vistok.errors import VistokError
from vistok.grid.language_models import LanguageModel
from vistok.grid.load import load_study
from vistok.grid.study import Study
from vistok.planning.language_weights import check_language_model

Ask = Callable[..., str]


@pytest.fixture
def ask(repository: Path, cache: Path) -> Ask:
    """Asks for one entry of the paper study, which says what a network is unless told otherwise."""
    paper = load_study("paper", root=repository)

    def check(network: PreTrainedModel, weights: str = "me/small", **changes: Any) -> str:
        config = network.config
        said: dict[str, Any] = {
            "width": config.hidden_size, "layers": config.num_hidden_layers, "vocabulary": config.vocab_size,
            "parameters_m": millions(network),
        }  # fmt: skip
        entry = LanguageModel(id="small", label="s", weights=weights, source="test", **{**said, **changes})
        study: Study = replace(paper, llms={"small": entry})
        return check_language_model(study, "small")

    return check


@pytest.fixture
def folder(cache: Path) -> Path:
    return cached(cache, "me/small")


def test_vicuna_as_it_was_released_is_well(ask: Ask, folder: Path) -> None:
    network = vicuna(folder)
    assert "0.1 million parameters; a question is" in ask(network)
    assert ask(network).endswith("an answer ends with '</s>'")
    assert ask(network, str(folder)) == ask(network)


def test_a_t5_is_well(ask: Ask, folder: Path) -> None:
    assert "an answer ends with '</s>'" in ask(flan_t5(folder), kind="encoder-decoder")


def test_a_qwen_is_well(ask: Ask, folder: Path) -> None:
    assert "an answer ends with '<|endoftext|>'" in ask(qwen(folder))


def test_a_model_in_gguf_is_well(ask: Ask, tmp_path: Path) -> None:
    network = gguf_llama(tmp_path / "small.Q4_1.gguf")
    assert "an answer ends with '</s>'" in ask(network, str(tmp_path / "small.Q4_1.gguf"))
    with pytest.raises(VistokError, match=r"weights not found: .*other\.gguf"):
        ask(network, str(tmp_path / "other.gguf"))
    content = (tmp_path / "small.Q4_1.gguf").read_bytes()
    for part in (content[:-100], content[:50], b"<html>"):
        (tmp_path / "small.Q4_1.gguf").write_bytes(part)
        with pytest.raises(VistokError, match=r"Q4_1\.gguf is not a whole GGUF language model"):
            ask(network, str(tmp_path / "small.Q4_1.gguf"))


def test_a_configuration_that_is_no_object_is_told(ask: Ask, folder: Path) -> None:
    network = vicuna(folder)
    (folder / "config.json").write_text("1")
    with pytest.raises(VistokError, match=r"config\.json must hold a JSON object"):
        ask(network)


def test_what_is_not_there_is_told(ask: Ask, cache: Path, tmp_path: Path) -> None:
    network = vicuna(tmp_path / "elsewhere")
    with pytest.raises(VistokError, match=r"me/small is not in this machine's cache.*hf download me/small"):
        ask(network)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 16}, r"'width': 32.*llms\.yaml says width 16"),
        ({"layers": 4}, r"'layers': 3.*llms\.yaml says width 32, layers 4"),
        ({"vocabulary": 100}, r"'vocabulary': \d+.*vocabulary 100"),
        ({"parameters_m": 1.0}, r"holds 0\.1 million parameters, workflow/grid/llms\.yaml says 1\.0"),
    ],
)
def test_an_entry_that_lies_is_told(ask: Ask, folder: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(VistokError, match=message):
        ask(vicuna(folder), **changes)


def test_a_file_that_is_lacking_or_holds_code_is_told(ask: Ask, folder: Path) -> None:
    network = vicuna(folder)
    second = folder / "pytorch_model-00002-of-00002.bin"
    torch.save({"a": torch.ones(2), "code": print}, second)
    with pytest.raises(VistokError, match=r"holds more than tensors \(print\) and is not opened"):
        ask(network)
    second.unlink()
    with pytest.raises(VistokError, match=r"lacks 1 of 2 weight files \(pytorch_model-00002-of-00002\.bin\)"):
        ask(network)
    for file in folder.glob("pytorch_model*"):
        file.unlink()
    with pytest.raises(VistokError, match="holds no weights"):
        ask(network)


def test_the_files_that_are_loaded_are_those_that_are_looked_at(ask: Ask, folder: Path) -> None:
    """As transformers does, which takes safetensors where there are any."""
    network = vicuna(folder)
    save_file({"a": torch.zeros(2, 2)}, folder / "model.safetensors")
    with pytest.raises(VistokError, match=r"holds 0\.0 million parameters, workflow"):
        ask(network, parameters_m=0.01)


def test_a_tokenizer_that_cannot_be_used_is_told(ask: Ask, folder: Path) -> None:
    network, words = vicuna(folder), folder / "tokenizer.model"
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "vocab_size": 270}))
    with pytest.raises(
        VistokError, match=r"makes token \d+ of a prompt, and .*llms\.yaml says that there are 270"
    ):
        ask(network, vocabulary=270, parameters_m=0.001)
    content = words.read_bytes()
    words.write_bytes(content[: len(content) // 3])
    with pytest.raises(VistokError, match="cannot be loaded"):
        ask(network, vocabulary=270, parameters_m=0.001)
    words.unlink()
    with pytest.raises(VistokError, match=r"cannot be loaded|does not know the words"):
        ask(network, vocabulary=270, parameters_m=0.001)
