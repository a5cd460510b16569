"""The words of a corpus as tokens: known words, marks, plurals and what is unknown."""

import pytest
from transformers import PreTrainedTokenizerBase

from vistok.mllm.words import make_word_tokenizer

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
