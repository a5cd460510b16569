"""Packed rows against plain forward passes of one padded batch: losses, gradients, and which kernels they reach."""

import pytest
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase

from vistok.mllm.language_models.base import Conditioning
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.language_models.packed import packed, packing_of

LENGTHS = (7, 2, 5, 5, 1)


@pytest.fixture(params=[2, 1], ids=["heads", "shared-keys"])
def large(request: pytest.FixtureRequest, words: PreTrainedTokenizerBase) -> CausalLanguageModel:
    """A model whose random weights are so large that what it expects depends on all that it reads."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=request.param,
        initializer_range=0.5,
    )
    return CausalLanguageModel(LlamaForCausalLM(config), words).requires_grad_(False).eval()


def batch(llm: CausalLanguageModel) -> tuple[Tensor, Tensor, Tensor]:
    """Returns ids, loss weights and mask; padding holds ids that would be noticed."""
    chance = torch.Generator().manual_seed(1)
    shape = (len(LENGTHS), max(LENGTHS))
    mask = (torch.arange(shape[1]) < torch.tensor(LENGTHS)[:, None]).long()
    weights = torch.rand(shape, generator=chance) * mask * (torch.rand(shape, generator=chance) < 0.7)
    return torch.randint(len(llm.words.tokenizer), shape, generator=chance), weights, mask


def loss(llm: CausalLanguageModel, packs: bool, front: int) -> tuple[float, Tensor]:
    """Returns the loss of a batch, and its gradient with respect to the front."""
    llm.packs = packs
    chance = torch.Generator().manual_seed(2)
    given = torch.randn(len(LENGTHS), front, 32, generator=chance, requires_grad=True)
    total, _ = llm.answer_loss(Conditioning(given), *batch(llm))
    total.backward()
    assert given.grad is not None
    return total.item(), given.grad


@pytest.mark.parametrize("front", [1, 4])
def test_packed_rows_learn_what_padded_ones_do(large: CausalLanguageModel, front: int) -> None:
    assert large.packs
    value, gradient = loss(large, True, front)
    expected, wanted = loss(large, False, front)
    assert value == pytest.approx(expected, rel=1e-6)
    assert wanted.abs().max() > 1e-2
    torch.testing.assert_close(gradient, wanted, rtol=1e-4, atol=1e-5)


def test_no_word_reads_another_row(large: CausalLanguageModel) -> None:
    ids, weights, mask = batch(large)
    front = torch.randn(len(LENGTHS), 2, 32, generator=torch.Generator().manual_seed(2))
    learnt = weights > 0
    whole = large.logits(Conditioning(front), ids, learnt, mask)
    alone = [
        large.logits(Conditioning(front[row, None]), ids[row, None], learnt[row, None], mask[row, None])
        for row in range(len(LENGTHS))
    ]
    torch.testing.assert_close(whole, torch.cat(alone), rtol=1e-4, atol=1e-5)


def test_plain_text_is_packed_as_well(large: CausalLanguageModel) -> None:
    ids, weights, mask = batch(large)
    weights[:, 0] = 0
    found = []
    for packs in (True, False):
        large.packs = packs
        found.append(large.answer_loss(large.unconditioned(len(LENGTHS)), ids, weights, mask)[0].item())
    assert found[0] == pytest.approx(found[1], rel=1e-6)


def test_the_decoder_sees_no_padding(large: CausalLanguageModel) -> None:
    ids, weights, mask = batch(large)
    read: list[tuple[int, ...]] = []
    large.network.base_model.register_forward_pre_hook(
        lambda module, given, named: read.append(tuple(named["inputs_embeds"].shape)), with_kwargs=True
    )
    large.answer_loss(Conditioning(torch.zeros(len(LENGTHS), 3, 32)), ids, weights, mask)
    assert read == [(1, sum(LENGTHS) + 3 * len(LENGTHS), 32)]


def test_the_last_layer_computes_what_is_asked_where_that_is_little(large: CausalLanguageModel) -> None:
    """The others compute all; where much is asked, it does as well, with the same result."""
    ids, weights, mask = batch(large)
    few, front = weights > 0, Conditioning(torch.zeros(len(LENGTHS), 3, 32))
    words = sum(LENGTHS) + 3 * len(LENGTHS)
    assert few.sum() < words / 2
    layers = large.network.base_model.layers
    read: list[tuple[int, int]] = []
    for number, layer in enumerate(layers):
        layer.mlp.register_forward_pre_hook(
            lambda _, given, number=number: read.append((number, given[0].shape[-2]))
        )
    trimmed = large.logits(front, ids, few, mask)
    assert read == [(0, words), (1, few.sum())]
    read.clear()
    every = mask > 0
    assert every.sum() > (words - 2 * len(LENGTHS)) / 2
    shorter = Conditioning(torch.zeros(len(LENGTHS), 1, 32))
    whole = large.logits(shorter, ids, every, mask)
    assert read == [(0, words - 2 * len(LENGTHS))] + [(1, words - 2 * len(LENGTHS))]
    assert len(whole) == sum(LENGTHS) and len(trimmed) == few.sum()
    torch.testing.assert_close(large.logits(shorter, ids, few, mask), whole[few[every]], rtol=1e-4, atol=1e-5)


def test_nothing_asked_is_nothing(large: CausalLanguageModel) -> None:
    ids, weights, mask = batch(large)
    front = Conditioning(torch.zeros(len(LENGTHS), 3, 32))
    assert large.logits(front, ids, weights > 2, mask).shape[0] == 0


@pytest.mark.parametrize("groups", [1, 2, 9])
def test_each_word_is_packed_once(groups: int) -> None:
    mask = (torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]).long()
    packing = packing_of(mask, groups)
    assert sorted(packing.indices.tolist()) == mask.flatten().nonzero()[:, 0].tolist()
    assert [group.length for group in packing.groups] == sorted(group.length for group in packing.groups)
    assert sum(group.rows for group in packing.groups) == len(LENGTHS)
    numbers = torch.arange(mask.numel()).view(mask.shape)
    assert torch.equal(packed(numbers, packing), packing.indices)
    assert torch.equal(packing.positions, packing.indices % mask.shape[1])
    assert torch.equal(packing.rows, packing.indices // mask.shape[1])
