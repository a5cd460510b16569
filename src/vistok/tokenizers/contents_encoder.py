"""A tokenizer that misses nothing: it is shown the true contents of an image as codes, not its pixels.

What a connector and a language model make of it is the most that a recipe lets any tokenizer reach: the ceiling.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from vistok.datasets.contents import ContentsReader
from vistok.errors import VistokError
from vistok.grid.tokenizers import Encoder
from vistok.tokenizers.base import VisualTokenizer

NAME = "cells"


def names() -> Sequence[str]:
    """Returns the names that an entry can have."""
    return (NAME,)


def build(encoder: Encoder, *, published: bool) -> "ContentsTokenizer":
    """Builds a tokenizer of true contents.

    Raises:
        VistokError: the entry has another name, an argument besides `seed`, published weights, or no square grid of
            cells.
    """
    if encoder.name != NAME or published or encoder.arguments.keys() - {"seed"}:
        raise VistokError(
            f"true contents are {NAME!r}, with no argument but `seed`, and of weights `random`; found "
            f"{encoder.name!r} with {encoder.arguments} and weights {encoder.weights!r}. Correct the entry's `encoder`."
        )
    return ContentsTokenizer(encoder)


class ContentsTokenizer(VisualTokenizer):
    """Codes of an image's contents behind a linear layer, which starts as the identity: a recipe can tune it."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(encoder)
        seed = int(encoder.arguments.get("seed", 0))
        self._reader = ContentsReader(encoder.tokens, encoder.width, seed)
        self.trunk = nn.Linear(encoder.width, encoder.width, bias=False)
        nn.init.eye_(self.trunk.weight)

    def reads(self) -> ContentsReader:
        return self._reader

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self._reader.shape

    def forward(self, images: Float[Tensor, "batch tokens width"]) -> Float[Tensor, "batch tokens width"]:
        tokens: Tensor = self.trunk(images)
        return tokens
