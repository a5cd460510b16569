"""The interface that every visual tokenizer keeps, and the one place where a kind is looked up."""

from abc import ABC, abstractmethod
from importlib import import_module
from typing import Final

from jaxtyping import Float
from torch import Tensor, nn

from vistok.errors import VistokError, unknown
from vistok.grid.values import Encoder

# One module a library, imported only when an entry asks for it.
_KINDS: Final = {"timm": "timm_encoder", "open-clip": "open_clip_encoder", "transformers": "transformers_encoder"}


class VisualTokenizer(nn.Module, ABC):
    """An image encoder, tapped at its last block (released code: all tokens, before any final norm)."""

    trunk: nn.Module

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    @abstractmethod
    def forward(self, images: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch tokens width"]:
        """Returns the visual tokens of normalised images."""


def build_tokenizer(encoder: Encoder, *, published: bool = False) -> VisualTokenizer:
    """Builds a tokenizer, with random weights or (`published`) with those its library downloads.

    Raises:
        VistokError: the library does not know the name or the arguments.
    """
    if encoder.library not in _KINDS:
        raise unknown("library", encoder.library, _KINDS, edit="src/vistok/tokenizers/base.py")
    module = import_module(f"vistok.tokenizers.{_KINDS[encoder.library]}")
    try:
        tokenizer: VisualTokenizer = module.build(encoder, published=published)
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        raise VistokError(
            f"{encoder.library} cannot build {encoder.name!r} with {encoder.arguments}: {error}. "
            "Mend the entry's `encoder` in workflow/grid/tokenizers.yaml."
        ) from error
    return tokenizer
