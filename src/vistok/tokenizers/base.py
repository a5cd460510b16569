"""The interface that every visual tokenizer keeps, and the one place where a kind is looked up."""

import difflib
from abc import ABC, abstractmethod
from importlib import import_module
from types import ModuleType
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vistok.errors import VistokError, unknown
from vistok.grid.values import Encoder

# One module a library, imported only when an entry asks for it.
_KINDS: Final = {
    "timm": "timm_encoder",
    "open-clip": "open_clip_encoder",
    "transformers": "transformers_encoder",
}
_LONGEST: Final = 200
_MEND: Final = "Mend the entry's `encoder`."


class VisualTokenizer(nn.Module, ABC):
    """An image encoder, tapped at its last block (released code: all tokens, before any final norm).

    Attributes:
        trunk: the encoder as its library builds it, without what the tokens do not pass through.
    """

    trunk: Any

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    @abstractmethod
    def forward(self, images: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch tokens width"]:
        """Returns the visual tokens of normalised images."""


def build_tokenizer(encoder: Encoder, *, published: bool = False) -> VisualTokenizer:
    """Builds a tokenizer, with random weights or (`published`) with those its library downloads.

    Raises:
        VistokError: the library is not installed, does not know the name or the arguments, or has no weights
            here; or the encoder gives other tokens than its entry says.
    """
    module = _library(encoder.library)
    try:
        tokenizer: VisualTokenizer = module.build(encoder, published=published)
    except VistokError:
        raise
    except OSError as error:
        raise VistokError(
            f"the weights of {encoder.name!r} ({encoder.library}) are not here: {_first_line(error)}. Fetch "
            "them on a machine with network, or name a local file as the entry's `weights`."
        ) from error
    except Exception as error:  # three libraries refuse in every way there is
        near = difflib.get_close_matches(encoder.name, module.names(), n=1)
        hint = f" Did you mean {near[0]!r}?" if near and near[0] != encoder.name else ""
        raise VistokError(
            f"{encoder.library} cannot build {encoder.name!r} with {encoder.arguments}: {_first_line(error)}."
            f"{hint} {_MEND}"
        ) from error
    _check_tokens(tokenizer)
    return tokenizer


def _library(name: str) -> ModuleType:
    if name not in _KINDS:
        raise unknown("library", name, _KINDS, edit="src/vistok/tokenizers/base.py")
    try:
        return import_module(f"vistok.tokenizers.{_KINDS[name]}")
    except ModuleNotFoundError as error:
        raise VistokError(f"the library {name!r} is not installed: pip install 'vistok[{name}]'.") from error


@torch.no_grad()
def _check_tokens(tokenizer: VisualTokenizer) -> None:
    """Refuses an encoder that gives other tokens than its entry, which the connector is built from, says."""
    encoder = tokenizer.encoder
    device = next(tokenizer.parameters()).device
    tokenizer.eval()
    try:
        found = tokenizer(torch.zeros(1, 3, encoder.image_size, encoder.image_size, device=device)).shape[1:]
    except (AssertionError, RuntimeError, ValueError) as error:
        raise VistokError(
            f"{encoder.name!r} takes no images of {encoder.image_size} pixels: {_first_line(error)}. {_MEND}"
        ) from error
    if tuple(found) != (encoder.tokens, encoder.width):
        raise VistokError(
            f"{encoder.name!r} gives {found[0]} tokens of width {found[1]} for images of "
            f"{encoder.image_size} pixels; its entry says {encoder.tokens} of width {encoder.width}. {_MEND}"
        )
    tokenizer.train()


def _first_line(error: Exception) -> str:
    said = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."
