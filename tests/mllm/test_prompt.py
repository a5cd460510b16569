"""One sequence of text and image, token by token, as the released code builds it."""

import pytest
import torch
from transformers import LlamaTokenizer, PreTrainedTokenizerBase

from vistok.mllm.prompt import Piece, PromptEncoder

QUESTION = "How many rings are in the image?"


@pytest.fixture(scope="module")
def encoder(words: PreTrainedTokenizerBase) -> PromptEncoder:
    return PromptEncoder(words)


@pytest.fixture(scope="module")
def llama() -> PreTrainedTokenizerBase:
    """LLaMA's tokenizer class, with a space before every text, bytes to fall back on, and few merges."""
    merges = [
        ("<", "/"), ("▁", "</"), ("▁", "<"), ("I", "m"), ("Im", "g"), ("▁", "I"), ("H", "o"), ("Ho", "w"),
        ("▁", "m"), ("a", "n"), ("▁m", "an"), ("▁man", "y"), ("▁", "t"), ("▁t", "w"), ("▁tw", "o"),
    ]  # fmt: skip
    letters = sorted({letter for merge in merges for letter in "".join(merge)} | set(">?"))
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    pieces = ["<unk>", "<s>", "</s>", *bytes_, *letters, *("".join(merge) for merge in merges)]
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    return LlamaTokenizer(vocab=vocabulary, merges=merges, add_bos_token=True)


def said(encoder: PromptEncoder, ids: list[int]) -> list[str]:
    return encoder.tokenizer.convert_ids_to_tokens(ids)


def test_the_image_stands_behind_its_mark(encoder: PromptEncoder) -> None:
    assert said(encoder, list(encoder.before_image)) == ["<s>", "<Img>"]


def test_the_prompt_stands_behind_the_image_without_a_space(encoder: PromptEncoder) -> None:
    piece = encoder.after_image(QUESTION)
    assert piece == Piece(f"</Img>{QUESTION}")
    ids, weights = encoder.pieces([piece])
    assert said(encoder, ids) == [
        "</Img>", "How", "many", "ring", "##s", "are", "in", "the", "image", "?",
    ]  # fmt: skip
    assert weights == [0.0] * 10


def test_only_answers_and_their_ends_are_learnt(encoder: PromptEncoder) -> None:
    conversation = [
        encoder.after_image(QUESTION),
        Piece("2", weight=5.0, ends=True),
        Piece("what does the image describe?"),
        Piece("two boxes", weight=1.0, ends=True),
    ]
    ids, weights = encoder.pieces(conversation)
    learnt = [(word, weight) for word, weight in zip(said(encoder, ids), weights, strict=True) if weight]
    assert learnt == [("2", 5.0), ("</s>", 5.0), ("two", 1.0), ("box", 1.0), ("##es", 1.0), ("</s>", 1.0)]
    assert said(encoder, ids).count("</s>") == 2


def test_there_is_no_template_and_no_system_prompt(encoder: PromptEncoder) -> None:
    ids, _ = encoder.pieces([encoder.after_image(QUESTION), Piece("2", weight=1.0, ends=True)])
    whole = [*encoder.before_image, *ids]
    assert encoder.tokenizer.decode(whole) == "<s> <Img> </Img> How many rings are in the image ? 2 </s>"


@pytest.mark.parametrize("left", [False, True])
def test_rows_are_padded_with_the_end_token(encoder: PromptEncoder, left: bool) -> None:
    tokens = encoder.pad([([7, 8, 9], [0.0, 1.0, 2.0]), ([6], [3.0])], left=left)
    end = encoder.end
    short = [end, end, 6] if left else [6, end, end]
    assert tokens.ids.tolist() == [[7, 8, 9], short]
    assert tokens.weights.tolist() == [[0, 1, 2], [0, 0, 3] if left else [3, 0, 0]]
    assert tokens.mask.tolist() == [[1, 1, 1], [0, 0, 1] if left else [1, 0, 0]]
    assert {name: value.dtype for name, value in tokens.state().items()} == {
        "ids": torch.int64,
        "weights": torch.float32,
        "mask": torch.int64,
    }


def test_a_text_is_encoded_the_same_again(encoder: PromptEncoder) -> None:
    assert encoder.pieces([Piece(QUESTION)]) == encoder.pieces([Piece(QUESTION)])


class TestLlama:
    """With sentencepiece's rules, against the sequence that the released code makes.

    It writes one "I" for each visual token into the text, and puts the visual tokens in their place.
    """

    @staticmethod
    def released(
        llama: PreTrainedTokenizerBase, prompt: str, latents: int = 4
    ) -> tuple[list[int], list[int]]:
        whole = llama("<Img> " + "I " * latents + "</Img>" + prompt)["input_ids"]
        start = len(llama("<Img> ")["input_ids"]) - 1
        assert llama.convert_ids_to_tokens(whole[start : start + latents]) == ["▁I"] * latents
        return whole[:start], whole[start + latents :]

    def test_what_stands_behind_the_image_is_as_released(self, llama: PreTrainedTokenizerBase) -> None:
        encoder = PromptEncoder(llama)
        ids, _ = encoder.pieces([encoder.after_image("How many?")])
        assert ids == self.released(llama, "How many?")[1]
        assert said(encoder, ids) == ["▁</", "Img", ">", "How", "▁many", "?"]

    def test_the_answer_is_as_released(self, llama: PreTrainedTokenizerBase) -> None:
        encoder = PromptEncoder(llama)
        ids, weights = encoder.pieces([encoder.after_image("How many?"), Piece("two", weight=1.0, ends=True)])
        assert ids == self.released(llama, "How many? two</s>")[1]
        assert said(encoder, ids)[-2:] == ["▁two", "</s>"]
        assert weights == [0.0] * 6 + [1.0, 1.0]

    def test_what_stands_before_the_image_is_as_released(self, llama: PreTrainedTokenizerBase) -> None:
        encoder = PromptEncoder(llama)
        assert list(encoder.before_image) == self.released(llama, "How many?")[0]
        assert said(encoder, list(encoder.before_image)) == ["<s>", "▁<", "Img", ">"]
