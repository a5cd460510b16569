"""BLIP-2's connector: learnt queries in a BERT that attend to the image (arXiv 2301.12597 section 3.1).

Post-norm, as in BERT; without dropout (BERT has 0.1 in training). The text layers of BLIP-2's first stage share
attention with the queries; they are not part of the connector.
"""

from collections.abc import Sequence
from typing import Final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from vistok.grid.connectors import FrozenQFormer, QFormer
from vistok.mllm.connectors.base import Connector
from vistok.mllm.heads import attend

_EPSILON: Final = 1e-12
_DEVIATION: Final = 0.02  # of BERT's initial weights


def build(value: QFormer, width: int, llm_width: int) -> "QFormerConnector":
    return QFormerConnector(value, width, llm_width)


class QFormerConnector(Connector):
    """A norm of the image's tokens, the Q-Former and a projection to the width of the language model."""

    def __init__(self, size: QFormer | FrozenQFormer, width: int, llm_width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.former = QueryTransformer(size, width)
        self.projection = nn.Linear(size.width, llm_width)

    def connect(
        self, tokens: Float[Tensor, "batch tokens width"], questions: Sequence[str] | None = None
    ) -> Float[Tensor, "batch queries llm_width"]:
        projected: Tensor = self.projection(self.former(self.norm(tokens)))
        return projected


class QueryTransformer(nn.Module):
    """Queries that attend to each other in every layer, and to an image in some."""

    def __init__(self, size: QFormer | FrozenQFormer, width: int) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.empty(size.queries, size.width).normal_(std=_DEVIATION))
        self.norm = nn.LayerNorm(size.width, eps=_EPSILON)
        self.layers = nn.ModuleList(
            QueryLayer(size, None if index % size.every else width) for index in range(size.depth)
        )
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=_DEVIATION)
                nn.init.zeros_(module.bias)

    def start(self, rows: int) -> Float[Tensor, "rows queries width"]:
        """Returns the queries as the first layer reads them."""
        normed: Tensor = self.norm(self.queries)
        return normed.expand(rows, -1, -1)

    def forward(self, tokens: Float[Tensor, "batch tokens width"]) -> Float[Tensor, "batch queries own"]:
        queries = self.start(len(tokens))
        for layer in self.layers:
            queries = layer(queries, tokens)
        return queries


class QueryLayer(nn.Module):
    """A layer of BERT, with cross-attention after its self-attention if the image's `width` is given."""

    def __init__(self, size: QFormer | FrozenQFormer, width: int | None) -> None:
        super().__init__()
        self.attention = PostNormAttention(size.width, size.width, size.heads)
        self.looking = None if width is None else PostNormAttention(size.width, width, size.heads)
        self.feedforward = PostNormFeedforward(size.width, size.feedforward_multiple)

    def forward(
        self, queries: Float[Tensor, "batch queries own"], tokens: Float[Tensor, "batch tokens width"]
    ) -> Float[Tensor, "batch queries own"]:
        queries = self.attention(queries, queries)
        if self.looking is not None:
            queries = self.looking(queries, tokens)
        fed: Tensor = self.feedforward(queries)
        return fed


class PostNormAttention(nn.Module):
    """Attention with biases, added to the queries, then a norm."""

    def __init__(self, hidden_width: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.out = nn.Linear(hidden_width, hidden_width), nn.Linear(hidden_width, hidden_width)
        self.key, self.value = nn.Linear(width, hidden_width), nn.Linear(width, hidden_width)
        self.norm = nn.LayerNorm(hidden_width, eps=_EPSILON)

    def forward(
        self,
        asking: Float[Tensor, "batch length own"],
        context: Float[Tensor, "batch tokens width"],
        reads: Bool[Tensor, "batch length tokens"] | None = None,
    ) -> Float[Tensor, "batch length own"]:
        """Attends to all of the context, or where `reads` says so."""
        attended = attend(self.query(asking), self.key(context), self.value(context), self.heads, reads)
        normed: Tensor = self.norm(asking + self.out(attended))
        return normed


class PostNormFeedforward(nn.Module):
    """Two layers with a GELU between, added to their input, then a norm."""

    def __init__(self, width: int, multiple: int) -> None:
        super().__init__()
        self.wide, self.narrow = nn.Linear(width, width * multiple), nn.Linear(width * multiple, width)
        self.norm = nn.LayerNorm(width, eps=_EPSILON)

    def forward(self, hidden: Float[Tensor, "batch length own"]) -> Float[Tensor, "batch length own"]:
        normed: Tensor = self.norm(hidden + self.narrow(functional.gelu(self.wide(hidden))))
        return normed
