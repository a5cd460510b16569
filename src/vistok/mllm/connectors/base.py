"""The interface of every connector, and the one place where a kind is looked up."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import import_module
from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor, nn

from vistok.grid.connectors import Connector as ConnectorValue
from vistok.mllm.connectors.whitening import Whitening


class Connector(nn.Module, ABC):
    """Turns an image encoder's tokens into what a language model is conditioned on.

    Attributes:
        gives: `front`, embeddings before the words, or `states` for the cross-attention layers of a language model
            that has some.
        reads_question: whether its output depends on the question, and so cannot be cached for an image.
        whitening: applied to the tokens first if its value has `whiten`; else None.
    """

    gives: ClassVar[Literal["front", "states"]] = "front"
    reads_question: ClassVar[bool] = False
    whitening: Whitening | None

    def __init__(self) -> None:
        super().__init__()
        self.whitening = None

    @property
    def projection_layers(self) -> Sequence[nn.Module]:
        """The layer that maps to the width of the language model, if the kind has one: it is called `projection`."""
        return [module for name, module in self.named_children() if name == "projection"]

    @property
    def inserted(self) -> Sequence[nn.Module]:
        """Its layers between those of the language model: each maps text and states to text."""
        return ()

    @abstractmethod
    def connect(
        self, tokens: Float[Tensor, "batch tokens width"], questions: Sequence[str] | None = None
    ) -> Float[Tensor, "batch visual llm_width"]:
        """Returns the visual tokens as the language model reads them.

        Args:
            tokens: of an image encoder; whitened where the connector's value has `whiten`.
            questions: the question about each image; None for a connector that does not read it.
        """

    def forward(
        self, tokens: Float[Tensor, "batch tokens width"], questions: Sequence[str] | None = None
    ) -> Float[Tensor, "batch visual llm_width"]:
        """Returns what `connect` makes of an image encoder's tokens."""
        return self.connect(self.whitened(tokens), questions)

    def whitened(self, tokens: Float[Tensor, "batch tokens width"]) -> Float[Tensor, "batch tokens width"]:
        """Returns an image encoder's tokens as the connector's own layers read them."""
        return self.whitening(tokens) if self.whitening else tokens


def build_connector(value: ConnectorValue, width: int, llm_width: int) -> Connector:
    """Builds a connector between an encoder and a language model of these widths, with random weights.

    Its whitening, if it has one, is still to be fitted.
    """
    module = import_module(f"vistok.mllm.connectors.{value.kind.replace('-', '_')}")
    built: Connector = module.build(value, width, llm_width)
    built.whitening = Whitening(width) if value.whiten else None
    return built
