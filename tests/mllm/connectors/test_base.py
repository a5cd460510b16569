"""Every connector kind: what its value says of its size is what its module has."""

from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from vistok.grid.connectors import Connector, ConnectorKind, Linear, Resampler
from vistok.mllm.connectors.base import build_connector

VALUES = [
    Resampler(),
    Resampler(latents=3, depth=2, heads=2, head_width=8, feedforward_multiple=2),
    Linear(),
    Resampler(latents=3, depth=1, heads=2, head_width=8, whiten=True),
    Linear(whiten=True),
]


def test_every_kind_is_tested() -> None:
    assert {value.kind for value in VALUES} == {*get_args(ConnectorKind)}
    union: Any = get_args(Connector)[0]
    assert {member.model_fields["kind"].default for member in get_args(union)} == {*get_args(ConnectorKind)}


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.kind)
@pytest.mark.parametrize(("seen", "width", "llm_width"), [(197, 768, 4096), (10, 16, 32)])
def test_a_connector_is_as_large_as_its_value_says(
    value: Resampler | Linear, seen: int, width: int, llm_width: int
) -> None:
    with torch.device("meta"):
        built = build_connector(value, width, llm_width)
        given: Tensor = built(torch.empty(2, seen, width))
    assert given.shape == (2, value.tokens(seen), llm_width)
    assert value.parameters(width, llm_width) == sum(p.numel() for p in built.parameters())
    assert value.operations(seen, width, llm_width) >= 2 * value.parameters(width, llm_width)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.kind)
def test_a_connector_learns_in_all_its_parts(value: Resampler | Linear) -> None:
    torch.manual_seed(0)
    built = build_connector(value, 16, 32)
    assert built.gives == "front" and not built.reads_question
    built(torch.randn(2, 10, 16)).square().sum().backward()
    for name, parameter in built.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name
