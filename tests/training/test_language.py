"""Learning to speak: which words of a corpus are learnt, and a score that a known model has by construction."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from vistok.errors import VistokError
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.prompt import Piece, PromptEncoder
from vistok.mllm.words import make_word_tokenizer
from vistok.training.language import (
    Document,
    LanguageLearner,
    check_language_gate,
    kind_of,
    read_conversations,
    read_documents,
    text_accuracy,
)

TEXTS = [
    "<s> <Img> </Img> How many ring glass Does exist Question: what describe it",
    "2 3 Yes. red box blue </s>",
]

MARKS = {"Question:": "vqa", "How many": "counting", "Does": "identification", "describe": "caption"}


@pytest.fixture(scope="module")
def encoder() -> PromptEncoder:
    return PromptEncoder(make_word_tokenizer(TEXTS))


@pytest.fixture(scope="module")
def bigrams(encoder: PromptEncoder) -> CausalLanguageModel:
    """A Llama that says what stands here behind a word, whatever came before it."""
    llm = llama(encoder)
    model = llm.network
    words = encoder.tokenizer.get_vocab()
    follows = {
        "ring": "2",
        "2": "</s>",
        "glass": "Yes.",
        "what": "red",
        "red": "box",
        "box": "</s>",
        "it": "blue",
    }
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(torch.eye(*model.model.embed_tokens.weight.shape))
        model.model.layers[0].self_attn.o_proj.weight.zero_()
        model.model.layers[0].mlp.down_proj.weight.zero_()
        model.lm_head.weight.zero_()
        for word, following in follows.items():
            model.lm_head.weight[words[following], words[word]] = 1.0
    return llm


def llama(encoder: PromptEncoder) -> CausalLanguageModel:
    vocabulary = len(encoder.tokenizer)
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=vocabulary + vocabulary % 2, num_hidden_layers=1,
        num_attention_heads=1, intermediate_size=4, tie_word_embeddings=False,
    )  # fmt: skip
    return CausalLanguageModel(LlamaForCausalLM(config), encoder.tokenizer)


def turns(*said: str) -> Document:
    """A conversation: questions and answers by turns, answers learnt."""
    pieces = [
        Piece(text, weight=1.0, ends=True) if index % 2 else Piece(text) for index, text in enumerate(said)
    ]
    return (Piece("<s>"), *pieces)


class TestReading:
    def test_behind_the_image_everything_is_learnt(self, tmp_path: Path) -> None:
        path = tmp_path / "text.txt"
        path.write_text("<Img>red box</Img>How many box 2\n\n  \n<Img>a</Img>b</Img>c\nplain words\n")
        assert read_documents(path, "<s>") == [
            (Piece("<s><Img>red box</Img>"), Piece("How many box 2", 1.0, True)),
            (Piece("<s><Img>a</Img>b</Img>"), Piece("c", 1.0, True)),
            (Piece("<s>"), Piece("plain words", 1.0, True)),
        ]

    def test_answers_are_learnt_short_ones_by_their_weight(self, tmp_path: Path) -> None:
        path = tmp_path / "talk.json"
        said = [("human", "How many ring"), ("gpt", "2"), ("human", "describe it"), ("gpt", "red box")]
        path.write_text(
            json.dumps([{"id": 1, "conversations": [{"from": who, "value": text} for who, text in said]}])
        )
        assert read_conversations(path, "<s>", short_answer_weight=5.0) == [
            (
                Piece("<s>"),
                Piece("How many ring"),
                Piece("2", 5.0, True),
                Piece("describe it"),
                Piece("red box", 1.0, True),
            )
        ]

    @pytest.mark.parametrize(
        "entry",
        [
            {"conversation": []},
            {"conversations": "hello"},
            {"conversations": ["hello"]},
            {"conversations": [{"from": "gpt"}]},
            {"conversations": [{"from": "gpt", "value": 2}]},
            "hello",
            None,
        ],
    )
    def test_another_shape_is_refused(self, tmp_path: Path, entry: object) -> None:
        path = tmp_path / "talk.json"
        path.write_text(json.dumps([{"conversations": []}, entry]))
        with pytest.raises(
            VistokError, match=r"talk\.json, entry 1: 'conversations' is needed, a list of turns"
        ):
            read_conversations(path, "<s>")

    @pytest.mark.parametrize("text", ['{"conversations": 1}', "7", "null"])
    def test_no_list_is_refused(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "talk.json"
        path.write_text(text)
        with pytest.raises(VistokError, match=r"talk\.json, entry 0: 'conversations' is needed"):
            read_conversations(path, "<s>")

    def test_a_missing_or_broken_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(VistokError, match=r"text corpus not found: .*text\.txt"):
            read_documents(tmp_path / "text.txt", "<s>")
        (tmp_path / "talk.json").write_text('[{"conversations": [')
        with pytest.raises(VistokError, match=r"talk\.json \(instruction file\) is not valid JSON"):
            read_conversations(tmp_path / "talk.json", "<s>")


class TestLearning:
    DOCUMENTS: Sequence[Document] = tuple(turns("How many ring", "2") for _ in range(5)) + tuple(
        turns("Does glass exist", "Yes.", "describe it", "red box blue") for _ in range(6)
    )

    def learner(self, encoder: PromptEncoder) -> LanguageLearner:
        torch.manual_seed(0)
        return LanguageLearner(llama(encoder), self.DOCUMENTS, batch=4, seed=3)

    def test_an_epoch_has_every_document_once(self, encoder: PromptEncoder) -> None:
        learner = self.learner(encoder)
        shown = [row.tolist() for step in range(11) for row in learner.batch(step, 0, 1)["mask"].sum(1)]
        lengths = sorted(len(encoder.pieces(document)[0]) for document in self.DOCUMENTS)
        for epoch in range(4):
            assert sorted(shown[11 * epoch : 11 * epoch + 11]) == lengths
        assert shown[:11] != shown[11:22]

    def test_a_batch_depends_on_the_step_alone(self, encoder: PromptEncoder) -> None:
        one, other = self.learner(encoder), self.learner(encoder)
        other.batch(2, 0, 1)
        for name, tensor in one.batch(5, 0, 1).items():
            assert torch.equal(tensor, other.batch(5, 0, 1)[name])

    def test_processes_share_a_batch_out(self, encoder: PromptEncoder) -> None:
        learner = self.learner(encoder)
        whole = learner.batch(1, 0, 1)["weights"].sum()
        assert sum(learner.batch(1, process, 3)["weights"].sum() for process in range(3)) == whole
        assert [len(learner.batch(1, process, 3)["ids"]) for process in range(3)] == [2, 1, 1]

    def test_the_loss_is_that_of_a_plain_forward_with_labels(self, encoder: PromptEncoder) -> None:
        learner = self.learner(encoder)
        batch = learner.batch(0, 0, 1)
        total, weight = learner(batch)
        labels = batch["ids"].masked_fill(batch["weights"] == 0, -100)
        plain = learner.model.network(
            input_ids=batch["ids"], attention_mask=batch["mask"], labels=labels
        ).loss
        assert torch.allclose(total / weight, plain, rtol=1e-6)

    def test_nothing_to_learn_is_refused(self, encoder: PromptEncoder) -> None:
        with pytest.raises(VistokError, match="no documents to learn"):
            LanguageLearner(llama(encoder), [], batch=4, seed=0)


class TestScore:
    def test_a_prompt_tells_its_kind(self) -> None:
        assert [
            kind_of(prompt, MARKS)
            for prompt in ("Question: How many rings are there? Answer:", "How many rings are in the image?",
                           "Does a ring exist in the image?", "what does the image describe?",
                           "Descibe the image: This is an image of ", "tell me more")
        ] == ["vqa", "counting", "identification", "caption", None, None]  # fmt: skip

    def test_a_model_that_is_right_by_construction(self, bigrams: CausalLanguageModel) -> None:
        right = [
            turns("How many ring", "2"),
            turns("Does glass", "Yes.", "Question: what", "red box", "How many ring", "2"),
            turns("describe it", "blue"),
        ]
        assert text_accuracy(bigrams, right, MARKS) == {
            "caption": 100.0, "counting": 100.0, "identification": 100.0, "vqa": 100.0,
        }  # fmt: skip

    def test_every_word_has_to_be_right(self, bigrams: CausalLanguageModel) -> None:
        some = [
            turns("How many ring", "2"), turns("How many ring", "3"), turns("How many glass", "2"),
            turns("How many ring", "2"),
            turns("Question: what", "red blue"), turns("Question: what", "red box"), turns("Question: what", "red"),
            turns("tell me", "2"),
        ]  # fmt: skip
        assert text_accuracy(bigrams, some, MARKS) == {"counting": 50.0, "vqa": pytest.approx(200 / 3)}

    def test_more_than_one_batch(self, bigrams: CausalLanguageModel) -> None:
        many = [turns("How many ring", "2" if index < 75 else "3") for index in range(150)]
        assert text_accuracy(bigrams, many, MARKS) == {"counting": 50.0}

    def test_what_is_not_asked_is_not_scored(self, bigrams: CausalLanguageModel) -> None:
        assert text_accuracy(bigrams, [turns("tell me", "2")], MARKS) == {}
        assert text_accuracy(bigrams, [], MARKS) == {}


class TestGate:
    def test_a_model_at_its_gate_passes(self) -> None:
        check_language_gate({"counting": 95.0, "vqa": 3.0}, {"counting": 95.0}, "the language model 'x'")

    def test_what_misses_is_said_with_what_to_do(self) -> None:
        gate = {"counting": 95.0, "identification": 95.0, "vqa": 10.0}
        with pytest.raises(VistokError) as error:
            check_language_gate({"counting": 94.96, "vqa": 10.0}, gate, "the language model 'x'")
        assert str(error.value) == (
            "the language model 'x' misses its text-only gate: counting 95.0 (needs 95.0), identification 0.0 "
            "(needs 95.0). No MLLM is trained on it: raise the steps of `language_model` in the scale, or fix its "
            "corpus."
        )
