"""Attention of the resampler is what it computes with, and divergence of heads is that of Jensen and Shannon."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from tests.steps.test_answer_devices import ENCODER, SIZE

from vistok.grid.connectors import Linear, Resampler
from vistok.grid.tokenizers import Encoder
from vistok.mllm.attention import attention_weights, has_resampler, head_divergence, resampler_attention
from vistok.mllm.connectors.resampler import PerceiverAttention
from vistok.mllm.heads import split_heads
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.model import MultimodalModel
from vistok.mllm.words import make_word_tokenizer
from vistok.tokenizers.base import build_tokenizer

RESAMPLER = Resampler(latents=3, depth=2, heads=2, head_width=8, feedforward_multiple=2)


def model(connector: Resampler | Linear, encoder: Encoder = ENCODER) -> MultimodalModel:
    torch.manual_seed(0)
    llm = CausalLanguageModel.build(SIZE, make_word_tokenizer(["a b c"]))
    return MultimodalModel(build_tokenizer(encoder), llm, connector, trains=("connector",)).eval()


def test_attention_is_over_visual_tokens_by_head_and_latent() -> None:
    attention = resampler_attention(model(RESAMPLER), torch.randn(4, 3, 16, 16))
    assert attention.shape == (4, 2, 3, ENCODER.tokens)
    assert torch.allclose(attention.sum(dim=-1), torch.ones(4, 2, 3))


def test_attention_weighs_values_as_torch_does() -> None:
    """Where a layer has no latents of its own to attend to, its output is the values, weighed by this attention."""
    torch.manual_seed(1)
    layer, media, latents = PerceiverAttention(16, 2, 8), torch.randn(2, 5, 16), torch.randn(2, 3, 16)
    with torch.no_grad():
        key, value = (
            split_heads(part, layer.heads)
            for part in layer.key_value(layer.norm_media(media)).chunk(2, dim=-1)
        )
        query = split_heads(layer.query(layer.norm_latents(latents)), layer.heads)
        expected = torch.nn.functional.scaled_dot_product_attention(query, key, value)
        assert torch.allclose(attention_weights(layer, media, latents) @ value, expected, atol=1e-6)


def test_heads_that_look_alike_and_heads_that_share_nothing() -> None:
    alike = torch.full((1, 2, 3, 4), 0.25)
    apart = torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]]]])
    assert head_divergence(alike).tolist() == pytest.approx([0.0])
    assert head_divergence(apart).tolist() == pytest.approx([1.0])


def test_divergence_is_the_mean_over_pairs_of_heads() -> None:
    attention = torch.rand(2, 3, 1, 5, dtype=torch.float64)
    attention /= attention.sum(dim=-1, keepdim=True)
    for image, found in zip(attention.numpy(), head_divergence(attention).tolist(), strict=True):
        pairs = [(0, 1), (0, 2), (1, 2)]
        expected = np.mean([jensenshannon(image[a, 0], image[b, 0], base=2) ** 2 for a, b in pairs])
        assert found == pytest.approx(expected)


def test_another_connector_has_no_such_attention() -> None:
    assert has_resampler(model(RESAMPLER)) and not has_resampler(model(Linear()))
