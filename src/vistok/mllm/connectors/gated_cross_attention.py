"""Flamingo's connector: a resampler, and gated layers inside the language model that read it (arXiv 2204.14198)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from vistok.grid.connectors import GatedCrossAttention
from vistok.mllm.connectors.base import Connector
from vistok.mllm.connectors.resampler import PerceiverResampler
from vistok.mllm.heads import attend


def build(value: GatedCrossAttention, width: int, llm_width: int) -> "GatedConnector":
    return GatedConnector(value, width, llm_width)


class GatedConnector(Connector):
    """Resampled tokens of the encoder's own width, and the layers that read them between a language model's own."""

    gives = "states"

    def __init__(self, size: GatedCrossAttention, width: int, llm_width: int) -> None:
        super().__init__()
        self.resampler = PerceiverResampler(width, size, activation=SquaredReLU)
        self.layers = nn.ModuleList(GatedLayer(size, width, llm_width) for _ in range(size.layers))

    @property
    def inserted(self) -> Sequence[nn.Module]:
        return list(self.layers)

    def connect(
        self, tokens: Float[Tensor, "batch tokens width"], questions: Sequence[str] | None = None
    ) -> Float[Tensor, "batch latents width"]:
        resampled: Tensor = self.resampler(tokens)
        return resampled


class SquaredReLU(nn.Module):
    """Flamingo's activation."""

    def forward(self, inputs: Tensor) -> Tensor:
        return functional.relu(inputs).square()


class GatedLayer(nn.Module):
    """Cross-attention and a feed-forward part, each behind a gate; where it starts shut, words pass unchanged."""

    def __init__(self, size: GatedCrossAttention, width: int, llm_width: int) -> None:
        super().__init__()
        inner, wide = size.heads * size.head_width, llm_width * size.feedforward_multiple
        self.heads = size.heads
        self.norm = nn.LayerNorm(llm_width)
        self.query = nn.Linear(llm_width, inner, bias=False)
        self.key_value = nn.Linear(width, 2 * inner, bias=False)
        self.out = nn.Linear(inner, llm_width, bias=False)
        self.feedforward = nn.Sequential(
            nn.LayerNorm(llm_width),
            nn.Linear(llm_width, wide, bias=False),
            SquaredReLU(),
            nn.Linear(wide, llm_width, bias=False),
        )
        self.attention_gate = nn.Parameter(torch.full((1,), size.gate))
        self.feedforward_gate = nn.Parameter(torch.full((1,), size.gate))

    def forward(
        self, words: Float[Tensor, "batch length llm_width"], states: Float[Tensor, "batch latents width"]
    ) -> Float[Tensor, "batch length llm_width"]:
        words = words + self.attention_gate.tanh() * self._attended(words, states)
        fed: Tensor = words + self.feedforward_gate.tanh() * self.feedforward(words)
        return fed

    def _attended(self, words: Tensor, states: Tensor) -> Tensor:
        key, value = self.key_value(states).chunk(2, dim=-1)
        merged: Tensor = self.out(attend(self.query(self.norm(words)), key, value, self.heads))
        return merged
