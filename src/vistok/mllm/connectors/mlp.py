"""ETT's projector: two linear layers with a GELU between them, on every visual token."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from vistok.grid.connectors import Mlp
from vistok.mllm.connectors.base import Connector


def build(value: Mlp, width: int, llm_width: int) -> "MlpConnector":
    return MlpConnector(width, llm_width)


class MlpConnector(Connector):
    """A perceptron of one hidden layer, as wide as the language model; the number of tokens stays."""

    def __init__(self, width: int, llm_width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, llm_width)
        self.projection = nn.Linear(llm_width, llm_width)

    def connect(
        self, tokens: Float[Tensor, "batch tokens width"], questions: Sequence[str] | None = None
    ) -> Float[Tensor, "batch tokens llm_width"]:
        projected: Tensor = self.projection(nn.functional.gelu(self.hidden(tokens)))
        return projected
