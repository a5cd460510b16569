"""Losses and likelihoods of a causal model, against plain forward passes of one sequence at a time."""

from collections.abc import Sequence

import pytest
import torch
from torch.nn import functional

from vistok.errors import VistokError
from vistok.grid.tasks import Decoding
from vistok.mllm.language_models.base import Conditioning
from vistok.mllm.language_models.causal import CausalLanguageModel

PROMPTS = ["</Img>How many rings are in the image?", "</Img>what is it?", "</Img>Does glass exist?"]
OPTIONS = [["2", "a red ring", "two boxes, one glass"], ["the box"], ["Yes.", "No."]]


@pytest.fixture
def large(llm: CausalLanguageModel) -> CausalLanguageModel:
    """A model whose random weights are so large that what it expects depends on all that it reads."""
    with torch.no_grad():
        for parameter in llm.parameters():
            if parameter.ndim > 1:
                parameter *= 2
    return llm.eval()


def conditioning(llm: CausalLanguageModel, *, states: bool = False) -> Conditioning:
    chance = torch.Generator().manual_seed(3)
    front = torch.randn(3, 4, 32, generator=chance)
    return Conditioning(front, torch.randn(3, 5, 32, generator=chance) if states else None)


@torch.no_grad()
def alone(llm: CausalLanguageModel, given: Conditioning, row: int, prompt: str, option: str) -> float:
    """Returns the loss of one option from one plain forward pass over its whole sequence."""
    before, ids = llm.words.encode(prompt), llm.words.encode(option)
    words = llm.embed(torch.tensor([[*before, *ids]]))
    extra = {} if given.states is None else {"cross_attention_states": given.states[row, None]}
    sequence = torch.cat([given.front[row, None], words], dim=1)
    logits = llm.network(inputs_embeds=sequence, **extra).logits[0, -len(ids) - 1 : -1]
    return functional.cross_entropy(logits, torch.tensor(ids), reduction="sum").item()


def in_batches(llm: CausalLanguageModel, given: Conditioning, size: int) -> list[list[tuple[float, int]]]:
    found = []
    for first in range(0, len(PROMPTS), size):
        rows = torch.arange(first, min(first + size, len(PROMPTS)))
        chosen = slice(first, first + size)
        found += llm.option_losses(given.rows(rows), PROMPTS[chosen], OPTIONS[chosen])
    return found


def losses(found: Sequence[Sequence[tuple[float, int]]]) -> list[float]:
    return [loss for question in found for loss, _ in question]


@pytest.mark.parametrize("states", [False, True], ids=["front", "states"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_an_option_is_worth_what_its_tokens_are_alone(
    large: CausalLanguageModel, seeing: CausalLanguageModel, states: bool, size: int
) -> None:
    llm = seeing if states else large
    given = conditioning(llm, states=states)
    result = in_batches(llm, given, size)
    expected = [
        alone(llm, given, row, prompt, option)
        for row, (prompt, options) in enumerate(zip(PROMPTS, OPTIONS, strict=True))
        for option in options
    ]
    assert losses(result) == pytest.approx(expected, rel=1e-5)
    assert max(expected) > 2 * min(expected)
    assert [[count for _, count in question] for question in result] == [[1, 3, 6], [2], [1, 1]]


def test_an_option_has_no_end_token(large: CausalLanguageModel) -> None:
    given = conditioning(large)
    with_more = large.option_losses(given, PROMPTS, [["a"], ["the"], ["Yes."]])
    assert [[count for _, count in question] for question in with_more] == [[1], [1], [1]]


def test_an_option_depends_on_what_conditions_it(
    large: CausalLanguageModel, seeing: CausalLanguageModel
) -> None:
    for llm, states in ((large, False), (seeing, True)):
        given = conditioning(llm, states=states)
        turned = given.rows(torch.tensor([1, 2, 0]))
        front_kept = Conditioning(given.front, turned.states) if states else turned
        same = zip(
            losses(llm.option_losses(given, PROMPTS, OPTIONS)),
            losses(llm.option_losses(front_kept, PROMPTS, OPTIONS)),
            strict=True,
        )
        assert all(abs(one - other) > 1e-3 for one, other in same)


def test_the_prefix_is_read_once(large: CausalLanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[int, ...]] = []
    embedded = large.network.base_model.register_forward_pre_hook(
        lambda module, given, named: read.append(tuple(named["inputs_embeds"].shape[:2])), with_kwargs=True
    )
    large.option_losses(conditioning(large), PROMPTS, OPTIONS)
    embedded.remove()
    longest = max(len(large.words.encode(prompt)) for prompt in PROMPTS)
    assert read == [(3, 4 + longest), (6, 5)]


def test_a_question_may_have_no_options(large: CausalLanguageModel) -> None:
    given = conditioning(large)
    assert large.option_losses(given, PROMPTS, [[], [], []]) == [[], [], []]
    result = large.option_losses(given, PROMPTS, [[], ["a red ring"], []])
    assert [len(question) for question in result] == [0, 1, 0]
    assert result[1][0][0] == pytest.approx(alone(large, given, 1, PROMPTS[1], "a red ring"), rel=1e-5)


def test_an_option_without_tokens_is_refused(large: CausalLanguageModel) -> None:
    with pytest.raises(VistokError, match="the option '' has no tokens"):
        large.option_losses(conditioning(large), PROMPTS, [["a"], [""], ["b"]])


def test_option_losses_leave_no_gradients(large: CausalLanguageModel) -> None:
    large.requires_grad_(True)
    given = Conditioning(conditioning(large).front.requires_grad_(True))
    assert isinstance(large.option_losses(given, PROMPTS, OPTIONS)[0][0][0], float)
    assert given.front.grad is None


@pytest.mark.parametrize("beams", [1, 3])
def test_states_are_read_in_generation(seeing: CausalLanguageModel, beams: int) -> None:
    given = conditioning(seeing, states=True)
    decoding = Decoding(beams=beams, max_new_tokens=5)
    together = seeing.generate(given, PROMPTS, decoding)
    one_by_one = [
        seeing.generate(given.rows(torch.tensor([row])), [prompt], decoding)[0]
        for row, prompt in enumerate(PROMPTS)
    ]
    assert together == one_by_one
    turned = Conditioning(given.front, given.rows(torch.tensor([1, 2, 0])).states)
    assert seeing.generate(turned, PROMPTS, decoding) != together


def test_states_get_a_gradient_from_an_answer(seeing: CausalLanguageModel) -> None:
    given = conditioning(seeing, states=True)
    assert given.states is not None
    given.states.requires_grad_(True)
    tokens = seeing.words.pad_texts(["a red ring", "box", "2"])
    total, weight = seeing.answer_loss(given, tokens.ids, tokens.mask.float(), tokens.mask)
    total.backward()
    assert weight == 5
    assert given.states.grad is not None and given.states.grad.flatten(1).any(1).all()


def test_a_model_without_cross_attention_reads_no_states(large: CausalLanguageModel) -> None:
    with pytest.raises(ValueError, match="LlamaForCausalLM has no cross-attention layers"):
        large.option_losses(conditioning(large, states=True), PROMPTS, OPTIONS)


class TestAnswerLoss:
    def test_each_token_counts_by_its_weight(self, large: CausalLanguageModel) -> None:
        tokens = large.words.pad_texts(["a red ring", "box"])
        weights = torch.tensor([[0.0, 1.0, 5.0], [1.0, 0.0, 0.0]])
        given = conditioning(large).rows(torch.tensor([0, 1]))
        total, weight = large.answer_loss(given, tokens.ids, weights, tokens.mask)
        logits = large.logits(given, tokens.ids, tokens.mask > 0, tokens.mask)
        each = functional.cross_entropy(logits, tokens.ids[tokens.mask > 0], reduction="none")
        assert torch.allclose(total, each @ torch.tensor([0.0, 1.0, 5.0, 1.0]))
        assert weight == 7

    def test_tokens_without_weight_pay_for_no_output_layer(self, large: CausalLanguageModel) -> None:
        rows: list[int] = []
        output = large.network.get_output_embeddings()
        output.register_forward_hook(lambda module, given, made: rows.append(len(given[0])))
        tokens = large.words.pad_texts(["a red ring", "box"])
        weights = torch.tensor([[0.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
        large.answer_loss(large.unconditioned(2), tokens.ids, weights, tokens.mask)
        assert rows == [2]

    def test_nothing_to_learn_costs_nothing(self, large: CausalLanguageModel) -> None:
        given = Conditioning(conditioning(large).front.requires_grad_(True))
        tokens = large.words.pad_texts(["a", "b", "c"])
        total, weight = large.answer_loss(given, tokens.ids, torch.zeros(3, 1), tokens.mask)
        total.backward()
        assert total == 0 and weight == 0
        assert given.front.grad is not None and not given.front.grad.any()

    def test_the_first_word_of_plain_text_cannot_be_learnt(self, large: CausalLanguageModel) -> None:
        tokens = large.words.pad_texts(["a red ring"])
        with pytest.raises(ValueError, match="first token of a text"):
            large.answer_loss(large.unconditioned(1), tokens.ids, tokens.mask.float(), tokens.mask)

    def test_half_precision_is_summed_in_single(self, large: CausalLanguageModel) -> None:
        large.to(torch.bfloat16)
        tokens = large.words.pad_texts(["a red ring"])
        given = conditioning(large).rows(torch.tensor([0]))
        total, _ = large.answer_loss(given, tokens.ids, tokens.mask.float(), tokens.mask)
        assert total.dtype == torch.float32
