"""The Perceiver Resampler: its numbers at paper scale, and its arithmetic against one written out by hand."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from vistok.grid.connectors import Resampler
from vistok.grid.load import load_study
from vistok.mllm.connectors.base import build_connector
from vistok.mllm.connectors.resampler import PerceiverAttention, PerceiverResampler


def millions(module: nn.Module) -> float:
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


@pytest.fixture(scope="module")
def paper(repository: Path) -> Resampler:
    return load_study("paper", root=repository).recipe("frozen").connector


@pytest.mark.parametrize(("width", "resampler", "projection"), [(1024, 88.15, 4.20), (768, 56.7, 3.15)])
def test_the_connector_has_the_published_parameters(
    paper: Resampler, width: int, resampler: float, projection: float
) -> None:
    with torch.device("meta"):
        connector = build_connector(paper, width, 4096)
    assert millions(connector.resampler) == pytest.approx(resampler, abs=0.03)
    assert millions(connector.projection) == pytest.approx(projection, abs=0.005)
    assert sum(parameter.numel() for parameter in connector.norm.parameters()) == 2 * width


def test_the_whole_connector_of_the_released_model(paper: Resampler) -> None:
    with torch.device("meta"):
        connector = build_connector(paper, 1024, 4096)
        assert sum(parameter.numel() for parameter in connector.resampler.parameters()) == 88_153_088
        assert connector(torch.empty(2, 257, 1024)).shape == (2, 32, 4096)
    assert millions(connector) == pytest.approx(92.4, abs=0.05)


def test_only_norms_have_biases(small: Resampler) -> None:
    for part in PerceiverResampler(16, small).modules():
        if isinstance(part, nn.Linear):
            assert part.bias is None
        if isinstance(part, nn.LayerNorm):
            assert part.bias is not None


def test_nothing_is_dropped_in_training(small: Resampler) -> None:
    torch.manual_seed(0)
    resampler, media = PerceiverResampler(16, small), torch.randn(2, 5, 16)
    assert torch.equal(resampler.train()(media), resampler.eval()(media))


def test_latents_and_the_position_start_with_a_deviation_of_one() -> None:
    torch.manual_seed(0)
    resampler = PerceiverResampler(64, Resampler(latents=64, depth=1, heads=1, head_width=8))
    assert resampler.latents.std().item() == pytest.approx(1.0, abs=0.05)
    assert resampler.media_position.shape == (1, 64)
    assert resampler.media_position.std().item() == pytest.approx(1.0, abs=0.25)


def test_a_gain_makes_visual_tokens_start_louder_and_changes_nothing_else(small: Resampler) -> None:
    def built(gain: float | None) -> nn.Module:
        torch.manual_seed(0)
        told = small if gain is None else small.model_copy(update={"gain": gain})
        return build_connector(told, 16, 12)

    tokens, plain, loud = torch.randn(2, 6, 16), built(None), built(4.0)
    assert torch.equal(loud(tokens), 4 * plain(tokens))
    assert plain(tokens).any()
    changed = {
        name
        for name, tensor in plain.state_dict().items()
        if not torch.equal(tensor, loud.state_dict()[name])
    }
    assert changed == {"projection.weight", "projection.bias"}
    assert all(
        torch.equal(tensor, built(1.0).state_dict()[name]) for name, tensor in plain.state_dict().items()
    )


def test_an_orthogonal_start_keeps_the_norms_and_changes_matrices_alone(small: Resampler) -> None:
    def built(orthogonal: bool) -> dict[str, Tensor]:
        torch.manual_seed(0)
        told = small.model_copy(update={"orthogonal": orthogonal, "token_feedforward_multiple": 3})
        return build_connector(told, 16, 12).state_dict()

    plain, turned = built(False), built(True)
    assert all(torch.equal(tensor, built(True)[name]) for name, tensor in turned.items())
    changed = {name for name, tensor in plain.items() if not torch.equal(tensor, turned[name])}
    assert changed == {name for name, tensor in plain.items() if tensor.ndim == 2 and len(tensor) > 1}
    for name in changed:
        sizes = torch.linalg.svdvals(turned[name])
        assert torch.allclose(sizes, sizes.mean().expand_as(sizes), rtol=1e-4)
        assert torch.allclose(turned[name].norm(), plain[name].norm(), rtol=1e-5)


def test_a_layer_on_each_token_precedes_the_latents(small: Resampler) -> None:
    torch.manual_seed(0)
    told = small.model_copy(update={"token_feedforward_multiple": 3})
    connector, tokens = build_connector(told, 16, 12), torch.randn(2, 6, 16)
    shake_norms(connector)
    norm, wide, _, narrow = connector.token_feedforward
    assert wide.weight.shape == (48, 16)
    normed = connector.norm(tokens)
    within = functional.layer_norm(normed, (16,), norm.weight, norm.bias)
    read = normed + functional.gelu(within @ wide.weight.T) @ narrow.weight.T
    expected = connector.projection(connector.resampler(read))
    assert torch.allclose(connector(tokens), expected, atol=1e-5)
    assert not torch.allclose(expected, connector.projection(connector.resampler(normed)), atol=1e-2)


def test_attention_is_over_media_and_latents() -> None:
    torch.manual_seed(0)
    attention, media, latents = PerceiverAttention(12, 3, 5), torch.randn(2, 7, 12), torch.randn(2, 4, 12)
    shake_norms(attention)
    assert torch.allclose(attention(media, latents), by_hand(attention, media, latents, 3, 5), atol=1e-6)


def test_each_layer_adds_attention_then_feedforward(small: Resampler) -> None:
    torch.manual_seed(0)
    resampler, tokens = PerceiverResampler(16, small), torch.randn(2, 6, 16)
    shake_norms(resampler)
    media, latents = tokens + resampler.media_position[0], resampler.latents.repeat(2, 1, 1)
    for attention, (norm, wide, _, narrow) in zip(resampler.attention, resampler.feedforward, strict=True):
        latents = latents + by_hand(attention, media, latents, small.heads, small.head_width)
        normed = functional.layer_norm(latents, (16,), norm.weight, norm.bias)
        assert wide.weight.shape == (16 * small.feedforward_multiple, 16)
        latents = latents + functional.gelu(normed @ wide.weight.T) @ narrow.weight.T
    expected = functional.layer_norm(latents, (16,), resampler.norm.weight, resampler.norm.bias)
    assert torch.allclose(resampler(tokens), expected, atol=1e-5)


def test_the_order_of_the_tokens_does_not_matter(small: Resampler) -> None:
    torch.manual_seed(0)
    resampler, media = PerceiverResampler(16, small), torch.randn(1, 6, 16)
    assert torch.allclose(resampler(media), resampler(media.flip(1)), atol=1e-5)
    assert not torch.allclose(resampler(media), resampler(2 * media), atol=1e-2)


def shake_norms(module: nn.Module) -> None:
    """Gives norms weights of their own: those that they start with could hide one that is left out."""
    for part in module.modules():
        if isinstance(part, nn.LayerNorm):
            nn.init.normal_(part.weight)
            nn.init.normal_(part.bias)


def by_hand(attention: PerceiverAttention, media: Tensor, latents: Tensor, heads: int, width: int) -> Tensor:
    def normed(norm: nn.LayerNorm, tokens: Tensor) -> Tensor:
        centred = tokens - tokens.mean(-1, keepdim=True)
        return centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt() * norm.weight + norm.bias

    media, latents = normed(attention.norm_media, media), normed(attention.norm_latents, latents)
    query = attention.query.weight.view(heads, width, -1)
    key, value = attention.key_value.weight.view(2, heads, width, -1)
    context = torch.cat([media, latents], dim=1)
    asked = torch.einsum("hdw,blw->bhld", query, latents) * width**-0.5
    likeness = torch.einsum("bhld,hdw,bcw->bhlc", asked, key, context)
    weights = (likeness - likeness.amax(-1, keepdim=True)).softmax(-1)
    result = torch.einsum("bhlc,hdw,bcw->blhd", weights, value, context)
    return result.flatten(2) @ attention.out.weight.T
