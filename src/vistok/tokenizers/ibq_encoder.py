"""A discrete tokenizer as a language model reads it: the embeddings of an image's codes, or only their indices.

Codes alone are one-hots as wide as the codebook: a linear connector behind them is one new embedding a code. At the
published 131,072 codes and 1,024 positions a one-hot takes half a gigabyte an image.
"""

from collections.abc import Sequence
from typing import Final

import torch
from jaxtyping import Float, Shaped
from pydantic import ValidationError
from torch import Tensor
from torch.nn import functional

from vistok.errors import VistokError
from vistok.grid.ett import NetworkSize
from vistok.grid.tokenizers import Encoder
from vistok.tokenizers.base import VisualTokenizer
from vistok.tokenizers.ibq.model import Ibq, from_bytes

EMBEDDINGS: Final = "embeddings"
CODES: Final = "codes"


def names() -> Sequence[str]:
    """Returns the names that an entry can have: which output of the tokenizer is read."""
    return EMBEDDINGS, CODES


def build(encoder: Encoder, *, published: bool) -> "IbqTokenizer":
    """Builds a tokenizer with a codebook.

    Raises:
        VistokError: the entry has another name, published weights, or arguments that are no size of it.
    """
    if encoder.name not in names() or published:
        raise VistokError(
            f"of a tokenizer with a codebook {' or '.join(names())} are read, with weights of a scale's own; found "
            f"{encoder.name!r} with weights {encoder.weights!r}. Correct the entry's `encoder`."
        )
    try:
        size = NetworkSize.model_validate(encoder.arguments)
    except ValidationError as error:
        raise VistokError(
            f"the `arguments` of {encoder.name!r} are no size of a tokenizer with a codebook: "
            f"{error.errors()[0]['msg']}. Correct the entry's `encoder`."
        ) from error
    return IbqTokenizer(encoder, size)


class IbqTokenizer(VisualTokenizer):
    """Encoder, codebook and decoder; a language model reads the codebook's output, position by position."""

    trunk: Ibq

    def __init__(self, encoder: Encoder, size: NetworkSize) -> None:
        super().__init__(encoder)
        self.trunk = Ibq(size)

    def prepared(self, images: Shaped[Tensor, "B 3 S S"]) -> Float[Tensor, "B 3 S S"]:
        return from_bytes(images) if images.dtype == torch.uint8 else images

    def forward(self, images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B N width"]:
        encoded = self.trunk.encode(images)
        if self.encoder.name == CODES:
            codes = self.trunk.codebook.nearest(encoded)
            return functional.one_hot(codes.flatten(1), self.trunk.size.codes).to(encoded.dtype)
        if torch.is_grad_enabled():
            return in_a_row(self.trunk.codebook(encoded).embeddings)
        return in_a_row(self.trunk.codebook.look_up(self.trunk.codebook.nearest(encoded)))


def in_a_row(embeddings: Float[Tensor, "B D H W"]) -> Float[Tensor, "B N D"]:
    """Returns the embeddings of a map, row by row."""
    return embeddings.flatten(2).transpose(1, 2)
