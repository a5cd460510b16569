"""A discrete tokenizer as a language model reads it: the embeddings of an image's codes, or only their indices.

Its weights are a scale's own, or a file: a release of IBQ as its authors laid it out.

Codes alone are one-hots as wide as the codebook: a linear connector behind them is one new embedding a code. At the
published 131,072 codes and 1,024 positions a one-hot takes half a gigabyte an image.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final

import torch
from jaxtyping import Float, Shaped
from pydantic import ValidationError
from torch import Tensor
from torch.nn import functional

from vistok.errors import VistokError
from vistok.grid.ett import NetworkSize
from vistok.grid.tokenizers import Encoder
from vistok.tokenizers.base import Tensors, VisualTokenizer
from vistok.tokenizers.ibq.model import Ibq, from_bytes
from vistok.tokenizers.ibq.released import from_released

EMBEDDINGS: Final = "embeddings"
CODES: Final = "codes"


def names() -> Sequence[str]:
    """Returns the names that an entry can have: which output of the tokenizer is read."""
    return EMBEDDINGS, CODES


def build(encoder: Encoder, *, published: bool) -> "IbqTokenizer":
    """Builds a tokenizer with a codebook.

    Raises:
        VistokError: the entry has another name, weights that no file is named for, or arguments that are no size of it.
    """
    if encoder.name not in names() or published:
        raise VistokError(
            f"of a tokenizer with a codebook {' or '.join(names())} are read, with weights of a scale's own or of a "
            f"file; found {encoder.name!r} with weights {encoder.weights!r}. Correct the entry's `encoder`: a release "
            "is named by its file, as in ibq-16384."
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

    def adapted(self, tensors: Tensors) -> Tensors:
        """Returns the tensors of a release by this project's names; those of a file of its own as they are."""
        if not tensors.keys().isdisjoint(self.trunk.state_dict()):
            return tensors
        return from_released(self.trunk, tensors, source=self.encoder.weights)

    def forward(self, images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B N width"]:
        with _in_single_precision(images.device):
            encoded = self.trunk.encode(images)
            if self.encoder.name == EMBEDDINGS and torch.is_grad_enabled():
                return in_a_row(self.trunk.codebook(encoded).embeddings)
            codes = self.trunk.codebook.nearest(encoded)
        if self.encoder.name == CODES:
            return functional.one_hot(codes.flatten(1), self.trunk.size.codes).to(encoded.dtype)
        return in_a_row(self.trunk.codebook.look_up(codes))


def _in_single_precision(device: torch.device) -> AbstractContextManager[object]:
    """Computes as releases are evaluated: of 262,144 codes, several often have the same product in bf16."""
    return nullcontext() if device.type == "meta" else torch.autocast(device.type, enabled=False)


def in_a_row(embeddings: Float[Tensor, "B D H W"]) -> Float[Tensor, "B N D"]:
    """Returns the embeddings of a map, row by row."""
    return embeddings.flatten(2).transpose(1, 2)
