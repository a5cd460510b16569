"""LLaVA's first connector: one linear layer on every visual token."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from vistok.grid.connectors import Linear
from vistok.mllm.connectors.base import Connector


def build(value: Linear, width: int, llm_width: int) -> "LinearConnector":
    return LinearConnector(width, llm_width)


class LinearConnector(Connector):
    """A projection to the width of the language model; the number of tokens stays."""

    def __init__(self, width: int, llm_width: int) -> None:
        super().__init__()
        self.projection = nn.Linear(width, llm_width)

    def connect(
        self, tokens: Float[Tensor, "batch tokens width"], questions: Sequence[str] | None = None
    ) -> Float[Tensor, "batch tokens llm_width"]:
        projected: Tensor = self.projection(tokens)
        return projected
