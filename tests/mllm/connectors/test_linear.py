"""One linear layer: each token by itself."""

import torch

from vistok.grid.connectors import Linear
from vistok.mllm.connectors.base import build_connector


def test_every_token_is_projected_by_itself() -> None:
    torch.manual_seed(0)
    built, tokens = build_connector(Linear(), 16, 32), torch.randn(2, 5, 16)
    weight, bias = built.projection.weight, built.projection.bias
    assert torch.allclose(built(tokens), tokens @ weight.T + bias, atol=1e-6)
    assert torch.allclose(built(tokens[:, [3]]), built(tokens)[:, [3]], atol=1e-6)
