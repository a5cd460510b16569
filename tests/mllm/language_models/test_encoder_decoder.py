"""A T5 with an image in its encoder: losses, likelihoods and answers, against plain passes of one pair at a time."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional
from transformers import GenerationConfig

from vistok.errors import VistokError
from vistok.grid.tasks import Decoding
from vistok.grid.training_sizes import LanguageModelSize
from vistok.mllm.language_models.base import Conditioning, LanguageModel
from vistok.mllm.language_models.load import (
    build_language_model,
    load_language_model,
    save_language_model,
)
from vistok.mllm.prompt import Piece, Tokens

PROMPTS = ["</Img>How many rings are in the image?", "</Img>what is it?", "</Img>Does glass exist?"]
OPTIONS = [["2", "a red ring", "two boxes, one glass"], ["the box"], ["Yes.", "No."]]
TURNS = [
    [("</Img>How many rings are in the image?", "2")],
    [("</Img>what does the image describe?", "a red ring"), ("Does glass exist in the image?", "No.")],
    [("</Img>what is it?", "box"), ("Answer:", "two boxes"), ("the ring or the glasses?", "ring")],
]


@pytest.fixture(scope="module")
def t5(corpus: tuple[str, ...], size: LanguageModelSize) -> LanguageModel:
    """A model whose random weights are so large that what it expects depends on all that it reads."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    llm = build_language_model("encoder-decoder", size, corpus)
    with torch.no_grad():
        for name, parameter in llm.named_parameters():
            if "Attention" in name or "DenseReluDense" in name or "lm_head" in name:
                parameter *= 3
    return llm.eval()


@pytest.fixture
def given() -> Conditioning:
    return Conditioning(torch.randn(3, 4, 32, generator=torch.Generator().manual_seed(3)))


@pytest.fixture
def tokens(t5: LanguageModel) -> Tokens:
    """Conversations of one to three turns; every answer weighs more than the one before it."""
    rows = [
        [
            piece
            for number, (prompt, answer) in enumerate(turns, start=1)
            for piece in (Piece(prompt), Piece(answer, weight=float(number), ends=True))
        ]
        for turns in TURNS
    ]
    return t5.words.pad([t5.words.pieces(row) for row in rows])


@torch.no_grad()
def plain_loss(llm: LanguageModel, front: torch.Tensor, read: list[int], written: list[int]) -> float:
    """Returns the loss of one pair, from transformers' own labels."""
    words = llm.embed(torch.tensor([[*read, llm.words.end]]))
    output = llm.network(inputs_embeds=torch.cat([front[None], words], dim=1), labels=torch.tensor([written]))
    return output.loss.item() * len(written)


def test_no_token_starts_a_text(t5: LanguageModel) -> None:
    words = t5.words
    assert words.start == ""
    assert words.tokenizer.convert_ids_to_tokens(list(words.before_image)) == ["<Img>"]
    assert (words.tokenizer.bos_token_id, words.tokenizer.pad_token) == (None, "<pad>")
    assert t5.network.config.decoder_start_token_id == words.tokenizer.pad_token_id
    assert t5.width == 32


def test_each_answer_is_learnt_from_all_that_stands_before_it(
    t5: LanguageModel, given: Conditioning, tokens: Tokens
) -> None:
    total, weight = t5.answer_loss(given, tokens.ids, tokens.weights, tokens.mask)
    expected = 0.0
    for row, turns in enumerate(TURNS):
        before: list[int] = []
        for number, (prompt, answer) in enumerate(turns, start=1):
            before += t5.words.encode(prompt)
            written = [*t5.words.encode(answer), t5.words.end]
            expected += number * plain_loss(t5, given.front[row], before, written)
            before += written
    assert total.item() == pytest.approx(expected, rel=1e-5)
    assert weight == tokens.weights.sum()


def test_padding_and_what_comes_later_change_no_loss(
    t5: LanguageModel, given: Conditioning, tokens: Tokens
) -> None:
    first = given.rows(torch.tensor([2]))
    weights = torch.where(tokens.weights[2:] == 1, 1.0, 0.0)
    end = int(weights.nonzero()[:, 1].max()) + 1
    whole = t5.answer_loss(first, tokens.ids[2:], weights, tokens.mask[2:])
    cut = t5.answer_loss(first, tokens.ids[2:, :end], weights[:, :end], tokens.mask[2:, :end])
    assert torch.allclose(whole[0], cut[0], rtol=1e-6)


def test_the_image_gets_a_gradient_from_every_answer(
    t5: LanguageModel, given: Conditioning, tokens: Tokens
) -> None:
    front = given.front.requires_grad_(True)
    t5.answer_loss(Conditioning(front), tokens.ids, tokens.weights, tokens.mask)[0].backward()
    assert front.grad is not None and front.grad.flatten(1).any(1).all()


def test_plain_text_can_be_learnt_from_its_first_word(t5: LanguageModel) -> None:
    tokens = t5.words.pad_texts(["a red ring"])
    total, weight = t5.answer_loss(t5.unconditioned(1), tokens.ids, tokens.mask.float(), tokens.mask)
    assert weight == 3
    assert total.item() == pytest.approx(
        plain_loss(t5, torch.zeros(0, 32), [], tokens.ids[0].tolist()), rel=1e-5
    )


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_an_option_is_worth_what_its_tokens_are_alone(
    t5: LanguageModel, given: Conditioning, batch: int
) -> None:
    results: list[list[tuple[float, int]]] = []
    for first in range(0, 3, batch):
        rows = torch.arange(first, min(first + batch, 3))
        chosen = slice(first, first + batch)
        results += t5.option_losses(given.rows(rows), PROMPTS[chosen], OPTIONS[chosen])
    expected = [
        plain_loss(t5, given.front[row], [*t5.words.encode(prompt)], [*t5.words.encode(option)])
        for row, (prompt, options) in enumerate(zip(PROMPTS, OPTIONS, strict=True))
        for option in options
    ]
    assert [loss for question in results for loss, _ in question] == pytest.approx(expected, rel=1e-5)
    assert [[count for _, count in question] for question in results] == [[1, 3, 6], [2], [1, 1]]
    assert max(expected) > 2 * min(expected)


def test_an_image_is_encoded_once_for_all_options(t5: LanguageModel, given: Conditioning) -> None:
    rows: list[int] = []
    hook = t5.network.get_encoder().register_forward_hook(
        lambda module, args, made: rows.append(len(made[0]))
    )
    t5.option_losses(given, PROMPTS, OPTIONS)
    hook.remove()
    assert rows == [3]


@torch.no_grad()
def alone(llm: LanguageModel, front: torch.Tensor, prompt: str, decoding: Decoding) -> str:
    words = llm.embed(torch.tensor([[*llm.words.encode(prompt), llm.words.end]]))
    config = GenerationConfig(
        num_beams=decoding.beams,
        max_new_tokens=decoding.max_new_tokens,
        repetition_penalty=decoding.repetition_penalty,
        length_penalty=decoding.length_penalty,
        decoder_start_token_id=llm.network.config.decoder_start_token_id,
        eos_token_id=llm.words.end,
        pad_token_id=llm.network.config.pad_token_id,
    )
    sequence = torch.cat([front[None], words], dim=1)
    mask = torch.ones(sequence.shape[:2], dtype=torch.long)
    ids = llm.network.generate(inputs_embeds=sequence, attention_mask=mask, generation_config=config)
    return llm.words.tokenizer.decode(ids[0], skip_special_tokens=True).strip()


@pytest.mark.parametrize(
    "decoding",
    [
        Decoding(max_new_tokens=6),
        Decoding(beams=5, max_new_tokens=6),
        Decoding(beams=2, max_new_tokens=4, repetition_penalty=1.5, length_penalty=-2.0),
    ],
    ids=["greedy", "beams", "all set"],
)
def test_answers_are_those_of_a_plain_generation(
    t5: LanguageModel, given: Conditioning, decoding: Decoding
) -> None:
    together = t5.generate(given, PROMPTS, decoding)
    expected = [alone(t5, given.front[row], prompt, decoding) for row, prompt in enumerate(PROMPTS)]
    assert together == expected
    assert len(set(expected)) > 1 and all(expected)
    for row, prompt in enumerate(PROMPTS):
        assert t5.generate(given.rows(torch.tensor([row])), [prompt], decoding) == [expected[row]]


def test_an_answer_depends_on_the_image(t5: LanguageModel, given: Conditioning) -> None:
    turned = given.rows(torch.tensor([1, 2, 0]))
    decoding = Decoding(max_new_tokens=6)
    assert t5.generate(given, PROMPTS, decoding) != t5.generate(turned, PROMPTS, decoding)


def test_states_are_refused(t5: LanguageModel, given: Conditioning) -> None:
    with pytest.raises(ValueError, match="T5ForConditionalGeneration reads its encoder's states"):
        t5.option_losses(Conditioning(given.front, given.front), PROMPTS, OPTIONS)


def test_a_model_comes_back_from_its_folder(t5: LanguageModel, given: Conditioning, tmp_path: Path) -> None:
    save_language_model(tmp_path, t5)
    loaded = load_language_model(tmp_path, kind="encoder-decoder")
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())
    assert loaded.option_losses(given, PROMPTS, OPTIONS) == t5.option_losses(given, PROMPTS, OPTIONS)
    half = load_language_model(tmp_path, kind="encoder-decoder", precision=torch.bfloat16)
    halves = half.option_losses(given, PROMPTS, OPTIONS)[0][0][0]
    assert halves == pytest.approx(t5.option_losses(given, PROMPTS, OPTIONS)[0][0][0], rel=0.1)


def test_a_model_of_another_kind_is_refused(t5: LanguageModel, tmp_path: Path) -> None:
    save_language_model(tmp_path, t5)
    with pytest.raises(VistokError, match="cannot be loaded: Unrecognized configuration class"):
        load_language_model(tmp_path)


def test_an_answer_s_likelihood_is_that_of_its_training(t5: LanguageModel, given: Conditioning) -> None:
    """An option and its end token together cost what an answer does in training."""
    prompt, option = PROMPTS[1], "a red ring"
    row = given.rows(torch.tensor([1]))
    tokens = t5.words.pad([t5.words.pieces([Piece(prompt), Piece(option, weight=1.0, ends=True)])])
    logits = t5.logits(row, tokens.ids, tokens.weights > 0, tokens.mask)
    losses = functional.cross_entropy(logits, tokens.ids[tokens.weights > 0], reduction="none")
    [[(loss, count)]] = t5.option_losses(row, [prompt], [[option]])
    assert loss == pytest.approx(losses[:count].sum().item(), rel=1e-5) and len(losses) == count + 1
