"""Every connector kind: what its value says of its size is what its module has."""

from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from vistok.grid.connectors import (
    Connector,
    ConnectorKind,
    FrozenQFormer,
    GatedCrossAttention,
    Linear,
    Mlp,
    QFormer,
    Resampler,
)
from vistok.mllm.connectors.base import build_connector

VALUES: list[Connector] = [
    Resampler(),
    Resampler(latents=3, depth=2, heads=2, head_width=8, feedforward_multiple=2),
    Linear(),
    Resampler(latents=3, depth=1, heads=2, head_width=8, whiten=True),
    Resampler(latents=3, depth=1, heads=2, head_width=8, token_feedforward_multiple=3),
    Linear(whiten=True),
    Mlp(),
    QFormer(),
    QFormer(queries=3, width=16, depth=3, heads=2, feedforward_multiple=2, every=2, whiten=True),
    FrozenQFormer(queries=3, width=8, depth=2, heads=2, feedforward_multiple=2, every=1),
    GatedCrossAttention(),
    GatedCrossAttention(latents=3, depth=1, heads=2, head_width=8, feedforward_multiple=2, layers=2),
]


def test_every_kind_is_tested() -> None:
    assert {value.kind for value in VALUES} == {*get_args(ConnectorKind)}
    union: Any = get_args(Connector)[0]
    assert {member.model_fields["kind"].default for member in get_args(union)} == {*get_args(ConnectorKind)}


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.kind)
@pytest.mark.parametrize(("seen", "width", "llm_width"), [(197, 768, 4096), (10, 16, 32)])
def test_a_connector_is_as_large_as_its_value_says(
    value: Connector, seen: int, width: int, llm_width: int
) -> None:
    with torch.device("meta"):
        built = build_connector(value, width, llm_width).requires_grad_(True)
        given: Tensor = built(torch.empty(2, seen, width))
    assert given.shape == (2, value.tokens(seen), width if built.gives == "states" else llm_width)
    assert value.front(seen) == (0 if built.gives == "states" else value.tokens(seen))
    assert value.parameters(width, llm_width) == sum(p.numel() for p in built.parameters())
    assert value.trained(width, llm_width) == sum(p.numel() for p in built.parameters() if p.requires_grad)
    read = value.tokens(seen) if value.tokens(seen) < seen else 1
    assert value.operations(seen, width, llm_width) >= 2 * value.trained(width, llm_width) * read


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.kind)
def test_a_connector_learns_in_all_its_parts_that_are_trained(value: Connector) -> None:
    torch.manual_seed(0)
    built = build_connector(value, 16, 32).requires_grad_(True)
    assert not built.reads_question
    made, words = built(torch.randn(2, 10, 16)), torch.randn(2, 5, 32)
    for layer in built.inserted:
        with torch.no_grad():
            layer.attention_gate.fill_(0.5)  # shut, it lets no gradient through
            layer.feedforward_gate.fill_(0.5)
        words = layer(words, made)
    (words if built.inserted else made).pow(3).sum().backward()
    for name, parameter in built.named_parameters():
        assert (parameter.grad is not None and bool(parameter.grad.any())) == parameter.requires_grad, name


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.kind)
def test_a_connector_in_front_names_its_projection_to_the_language_model(value: Connector) -> None:
    with torch.device("meta"):
        built = build_connector(value, 16, 32)
    widths = [layer.out_features for layer in built.projection_layers]
    assert widths == ([] if built.gives == "states" else [32])
