"""Language models as their authors released them: official layouts, made small."""

import os
from pathlib import Path

import pytest
import sentencepiece
import torch
from tests.official_models import flan_t5, gguf_llama, qwen, vicuna

from vistok.errors import VistokError
from vistok.grid.tasks import Decoding
from vistok.mllm.language_models.base import blind
from vistok.mllm.language_models.load import load_language_model, load_words, save_language_model

QUESTION = "How many dogs are there in the image?"


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("hub")
    vicuna(folder / "vicuna")
    flan_t5(folder / "t5")
    return folder


def test_vicunas_tokens_are_those_of_its_tokenizer_model(released: Path) -> None:
    """No tokenizer.json; the image's mark is cut off as the released code cuts it."""
    words = load_words(released / "vicuna")
    model = sentencepiece.SentencePieceProcessor(model_file=str(released / "vicuna/tokenizer.model"))
    for text in (QUESTION, f"</Img>{QUESTION}", "3", "a zebra, 4567"):
        assert [*words.encode(text)] == model.encode(text)
    assert [*words.before_image] == [1, *model.encode("<Img> I")[:-1]]
    assert words.end == 2


def test_vicunas_old_files_are_loaded(released: Path) -> None:
    torch.manual_seed(0)
    theirs = vicuna(released / "again").state_dict()
    model = load_language_model(released / "again")
    assert all(
        torch.equal(tensor, theirs[name].float()) for name, tensor in model.network.state_dict().items()
    )
    decoding = Decoding(beams=1, max_new_tokens=3)
    assert len(model.generate(blind(model, 1), [f"</Img>{QUESTION}"], decoding)) == 1


def test_a_t5_whose_tokenizer_is_a_model_file_is_loaded(released: Path) -> None:
    words = load_words(released / "t5")
    model = sentencepiece.SentencePieceProcessor(model_file=str(released / "t5/spiece.model"))
    assert [*words.encode(QUESTION)] == model.encode(QUESTION)
    assert words.tokenizer.unk_token_id in words.before_image  # it has no '<'
    loaded = load_language_model(released / "t5", kind="encoder-decoder")
    decoding = Decoding(beams=2, max_new_tokens=3)
    assert len(loaded.generate(blind(loaded, 2), [QUESTION, "Yes."], decoding)) == 2


def test_a_qwen_is_loaded(tmp_path: Path) -> None:
    """No token starts a text, and the output layer is the embeddings, of which there are more than tokens."""
    theirs = qwen(tmp_path).state_dict()
    model = load_language_model(tmp_path)
    assert all(
        torch.equal(tensor, theirs[name].float()) for name, tensor in model.network.state_dict().items()
    )
    words = model.words
    assert model.network.get_output_embeddings().weight is model.network.get_input_embeddings().weight
    assert words.start == "" and words.tokenizer.decode(words.before_image).startswith("<Img>")
    assert words.tokenizer.decode([words.end]) == "<|endoftext|>"
    for text in (QUESTION, f"</Img>{QUESTION}", "a zebra, 4567"):
        assert words.tokenizer.decode(words.encode(text)) == text
    decoding = Decoding(beams=1, max_new_tokens=3)
    assert len(model.generate(blind(model, 2), [f"</Img>{QUESTION}", "Yes."], decoding)) == 2


def test_a_model_in_gguf_is_loaded_as_the_plain_network_that_it_holds(tmp_path: Path) -> None:
    """Dequantised, whatever kernels are installed: nothing else can be trained, moved or kept as others are."""
    theirs = gguf_llama(tmp_path / "small.Q4_1.gguf")
    model = load_language_model(tmp_path / "small.Q4_1.gguf")
    tensors = theirs.state_dict()
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in model.network.state_dict().items())
    assert model.network.to(torch.float64).dtype == torch.float64
    save_language_model(tmp_path / "folder", model.float())
    again = load_language_model(tmp_path / "folder")
    assert again.words.encode(QUESTION) == model.words.encode(QUESTION)
    assert model.words.tokenizer.decode(model.words.encode(QUESTION)) == QUESTION
    half = load_language_model(tmp_path / "small.Q4_1.gguf", precision=torch.bfloat16)
    assert {parameter.dtype for parameter in half.parameters()} == {torch.bfloat16}


class Code:
    """Runs a command where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def test_an_old_file_that_holds_code_is_refused(tmp_path: Path) -> None:
    vicuna(tmp_path / "model")
    file, mark = tmp_path / "model/pytorch_model-00002-of-00002.bin", tmp_path / "mark"
    torch.save({**torch.load(file, weights_only=True), "more": Code(mark)}, file)
    with pytest.raises(
        VistokError, match=r"00002\.bin holds more than tensors \(\w+\.mkdir\) and is not opened"
    ):
        load_language_model(tmp_path / "model")
    assert not mark.exists()
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(VistokError, match=r"00002\.bin cannot be read as weights: .*It may be truncated"):
        load_language_model(tmp_path / "model")


def test_without_its_readers_a_tokenizer_model_is_told(
    released: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sentencepiece", None)
    with pytest.raises(
        VistokError,
        match=r"its tokenizer is tokenizer\.model alone, which sentencepiece and protobuf read: pip",
    ):
        load_words(released / "vicuna")


def test_a_tokenizer_that_ends_no_answer_is_refused(tmp_path: Path) -> None:
    vicuna(tmp_path)
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        text = (tmp_path / name).read_text()
        (tmp_path / name).write_text(text.replace('"eos_token"', '"cls_token"'))
    text = (tmp_path / "tokenizer_config.json").read_text()
    (tmp_path / "tokenizer_config.json").write_text(text.replace("{", '{"eos_token": null, ', 1))
    with pytest.raises(VistokError, match="has no token that ends an answer"):
        load_words(tmp_path)
