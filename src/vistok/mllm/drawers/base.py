"""The interface of everything that draws the codes of an image behind a caption.

The paper does not tell how visual tokens are predicted: what replaces this study's design is one file with this
interface. Shapes: B captions of L words, M x M codes an image.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Final, cast

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor, nn
from torch.nn import functional

from vistok.errors import VistokError
from vistok.grid.ett_generation import DrawerSize
from vistok.mllm.connectors.linear import LinearConnector
from vistok.mllm.model import MultimodalModel
from vistok.mllm.prompt import Tokens
from vistok.mllm.words import IMAGE_START
from vistok.tokenizers.ibq_encoder import CODES, IbqTokenizer

_MOST: Final = 2**27  # numbers of one-hot codes, a gigabyte as they are made; no training at mini has so many


class Drawer(nn.Module, ABC):
    """A multimodal model whose language model predicts codes, and what it needs for that.

    Its words and their outputs stay as they are. A caption is read between the start of a text and the mark that
    elsewhere begins an image; then come codes, as the model's connector reads them.

    Attributes:
        model: the model; all but its tokenizer is trained.
    """

    def __init__(self, model: MultimodalModel) -> None:
        super().__init__()
        if not isinstance(model.tokenizer, IbqTokenizer):
            raise VistokError(
                f"{model.tokenizer.encoder.name!r} has no codebook, so no image can be drawn from its tokens. Name a "
                "tokenizer of ETT's."
            )
        self.model = model
        self.model.requires_grad_(True)
        self.model.tokenizer.requires_grad_(False)

    @property
    def tokenizer(self) -> IbqTokenizer:
        return cast(IbqTokenizer, self.model.tokenizer)

    def trained_tensors(self) -> dict[str, Tensor]:
        """Returns all but the tokenizer's tensors, by their names in the state dict."""
        return {
            name: tensor
            for name, tensor in self.state_dict().items()
            if not name.startswith("model.tokenizer.")
        }

    def words(self, captions: Iterable[str]) -> Tokens:
        """Returns captions as they are read; an empty one leaves only the marks around it."""
        words = self.model.llm.words
        mark = words.encode(f"{IMAGE_START} I")[:-1]
        start = words.before_image[: -len(mark)]
        rows = [[*start, *words.encode(caption), *mark] for caption in captions]
        return words.pad([(row, [0.0] * len(row)) for row in rows])

    def read(self, codes: Int64[Tensor, "B N"]) -> Float[Tensor, "B N width"]:
        """Returns what the language model reads of codes, as it does when it looks at an image."""
        trunk = self.tokenizer.trunk
        if self.tokenizer.encoder.name == CODES:
            connector = self.model.connector
            if isinstance(connector, LinearConnector) and codes.numel() * trunk.size.codes > _MOST:
                layer = connector.projection  # of a one-hot it gives one column
                return functional.embedding(codes, layer.weight.T) + layer.bias
            tokens: Tensor = functional.one_hot(codes, trunk.size.codes).to(trunk.codebook.embedding.dtype)
        else:
            tokens = trunk.codebook.embedding[codes]
        return cast(Tensor, self.model.connector(tokens))

    @abstractmethod
    def losses(
        self, ids: Int[Tensor, "B L"], mask: Int[Tensor, "B L"], codes: Int64[Tensor, "B M M"]
    ) -> Float[Tensor, "B M M"]:
        """Returns the negative logarithm of the likelihood of each code, given the caption and the codes before it.

        Args:
            ids: captions as `words` gives them, padded on the right.
            mask: 0 where there is padding.
        """

    @abstractmethod
    def draw(
        self,
        captions: Sequence[str],
        *,
        guidance: float = 1.0,
        generator: torch.Generator,
    ) -> Int64[Tensor, "B M M"]:
        """Returns codes drawn for each caption, from the whole distribution of each.

        Args:
            guidance: how far each distribution is moved away from the one without a caption (classifier-free guidance,
                arXiv 2207.12598); 1: not at all.
        """


def build_drawer(size: DrawerSize, model: MultimodalModel) -> Drawer:
    """Returns a model that draws, before it has learnt to."""
    module = import_module(f"vistok.mllm.drawers.{size.kind.replace('-', '_')}")
    built: Drawer = module.build(size, model)
    return built
