"""The interface that every connector keeps, and the one place where a kind is looked up."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import import_module
from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor, nn

from vistok.grid.connectors import Connector as ConnectorValue


class Connector(nn.Module, ABC):
    """Turns an image encoder's tokens into what a language model is conditioned on.

    Attributes:
        gives: `front`, embeddings that are read in front of the words, or `states` for the cross-attention layers
            of a language model that has some.
        reads_question: whether its output depends on the question, and so cannot be kept for an image.
    """

    gives: ClassVar[Literal["front", "states"]] = "front"
    reads_question: ClassVar[bool] = False

    @abstractmethod
    def forward(
        self, tokens: Float[Tensor, "batch tokens width"], questions: Sequence[str] | None = None
    ) -> Float[Tensor, "batch visual llm_width"]:
        """Returns the visual tokens as the language model reads them.

        Args:
            questions: the question about each image; None for a connector that does not read it.
        """


def build_connector(value: ConnectorValue, width: int, llm_width: int) -> Connector:
    """Builds a connector between an encoder and a language model of these widths, with random weights."""
    module = import_module(f"vistok.mllm.connectors.{value.kind.replace('-', '_')}")
    built: Connector = module.build(value, width, llm_width)
    return built
