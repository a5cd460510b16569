"""Language models: the words of a corpus, a Llama that starts well, and weights that are not there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerBase

from vistok.errors import VistokError
from vistok.grid.scale import LanguageModelSize
from vistok.mllm.llm import (
    build_language_model,
    load_language_model,
    make_word_tokenizer,
    save_language_model,
)

SPECIAL = ["<unk>", "<s>", "</s>", "<Img>", "</Img>"]


def pieces(words: PreTrainedTokenizerBase, text: str) -> list[str]:
    return words.tokenize(text)


def test_every_word_of_the_corpus_is_known(words: PreTrainedTokenizerBase, corpus: tuple[str, ...]) -> None:
    for text in corpus:
        assert "<unk>" not in pieces(words, text), text
    assert words.convert_ids_to_tokens(range(7)) == [*SPECIAL, "##s", "##es"]
    learnt = words.convert_ids_to_tokens(range(7, len(words)))
    assert learnt == sorted(set(learnt)), "the same corpus gives the same ids, in whatever order it comes"
    assert (words.bos_token, words.eos_token, words.pad_token, words.unk_token) == (
        "<s>",
        "</s>",
        "</s>",
        "<unk>",
    )


def test_a_corpus_in_another_order_gives_the_same_words(
    words: PreTrainedTokenizerBase, corpus: tuple[str, ...]
) -> None:
    assert make_word_tokenizer(reversed([*corpus, corpus[0]])).get_vocab() == words.get_vocab()


def test_marks_in_a_corpus_keep_their_ids(words: PreTrainedTokenizerBase, corpus: tuple[str, ...]) -> None:
    marked = make_word_tokenizer(["<s> </s> <unk> <Img> </Img>", *corpus])
    assert marked.get_vocab() == words.get_vocab()
    assert len(marked) == max(marked.get_vocab().values()) + 1


def test_punctuation_stands_alone_but_for_the_full_stop(words: PreTrainedTokenizerBase) -> None:
    assert pieces(words, "box, one glass: nothing") == ["box", ",", "one", "glass", ":", "nothing"]
    assert pieces(words, "the image? Yes. No.") == ["the", "image", "?", "Yes.", "No."]


def test_a_plural_shares_its_first_piece_with_the_word(words: PreTrainedTokenizerBase) -> None:
    assert pieces(words, "ring rings glass glasses") == ["ring", "ring", "##s", "glass", "glass", "##es"]
    assert pieces(words, "boxes") == ["box", "##es"]
    assert pieces(words, "is exist") == ["is", "exist"]
    assert pieces(make_word_tokenizer(["boxes are red"]), "boxes") == ["boxes"], (
        "without its stem it is whole"
    )
    stems = make_word_tokenizer(["a as ass"])
    assert pieces(stems, "ass") == ["a", "##s", "##s"]


@pytest.mark.parametrize("text", ["a blue ring", "ringed", "RING"])
def test_an_unknown_word_is_said_to_be_unknown(words: PreTrainedTokenizerBase, text: str) -> None:
    assert pieces(words, text).count("<unk>") == 1


def test_what_was_encoded_is_decoded(words: PreTrainedTokenizerBase, corpus: tuple[str, ...]) -> None:
    for text in corpus:
        ids = words(f"{text}</s>")["input_ids"]
        decoded = words.decode(ids, skip_special_tokens=True)
        spaced = text.replace("<Img>", "").replace("</Img>", " ")
        for mark in "?,:":
            spaced = spaced.replace(mark, f" {mark}")
        assert decoded == spaced


def test_marks_are_one_token_wherever_they_stand(words: PreTrainedTokenizerBase) -> None:
    assert pieces(words, "<s><Img>ring</Img>box</s>") == ["<s>", "<Img>", "ring", "</Img>", "box", "</s>"]


def test_a_tokenizer_comes_back_from_its_folder(
    words: PreTrainedTokenizerBase, llm: LlamaForCausalLM, corpus: tuple[str, ...], tmp_path: Path
) -> None:
    save_language_model(tmp_path, llm, words)
    model, again = load_language_model(tmp_path)
    for text in corpus:
        assert again(text)["input_ids"] == words(text)["input_ids"]
    for (name, loaded), (_, saved) in zip(model.named_parameters(), llm.named_parameters(), strict=True):
        assert torch.equal(loaded, saved), name
    assert again.pad_token == again.eos_token == "</s>"


def test_a_loaded_model_is_frozen(
    words: PreTrainedTokenizerBase, llm: LlamaForCausalLM, tmp_path: Path
) -> None:
    save_language_model(tmp_path, llm.train(), words)
    model, _ = load_language_model(tmp_path)
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    half, _ = load_language_model(tmp_path, precision=torch.bfloat16)
    assert {parameter.dtype for parameter in half.parameters()} == {torch.bfloat16}


def test_weights_start_with_a_deviation_of_one_over_the_root_of_the_width(size: LanguageModelSize) -> None:
    torch.manual_seed(0)
    wide = size.model_copy(update={"width": 64, "feedforward": 192})
    model = build_language_model(wide, 300)
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            assert parameter.std().item() == pytest.approx(64**-0.5, rel=0.05), name
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    config = model.config
    assert (config.vocab_size, config.hidden_size, config.num_hidden_layers) == (300, 64, size.layers)
    assert (config.num_attention_heads, config.intermediate_size) == (size.heads, 192)
    assert config.max_position_embeddings == size.context


@pytest.fixture
def saved(words: PreTrainedTokenizerBase, llm: LlamaForCausalLM, tmp_path: Path) -> Path:
    save_language_model(tmp_path, llm, words)
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
    ("change", "said"),
    [
        (
            {"num_hidden_layers": 3},
            r"lack 9 of the tensors of its config \(model\.layers\.2\.input_layernorm",
        ),
        ({"hidden_size": 64}, "mismatch"),
        ({"model_type": "lama"}, "model type `lama`"),
    ],
)
def test_weights_of_another_architecture(saved: Path, change: dict[str, object], said: str) -> None:
    config = json.loads((saved / "config.json").read_text())
    (saved / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(VistokError, match=f"cannot be loaded: .*{said}"):
        load_language_model(saved)


def test_a_published_name_without_network_fails_at_once() -> None:
    code = (
        "import time\n"
        "from vistok.errors import VistokError\n"
        "from vistok.mllm.llm import load_language_model\n"
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
    seconds, said = done.stdout.strip().split(" ", 1)
    assert said.startswith("language model 'vistok-tests/no-such-model' cannot be loaded: ")
    assert "machine with network" in said and "workflow/grid/llms.yaml" in said
    assert float(seconds) < 10
