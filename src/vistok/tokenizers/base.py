"""The interface that every visual tokenizer keeps, and the one place where a kind is looked up."""

import difflib
from abc import ABC, abstractmethod
from importlib import import_module
from types import ModuleType
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vistok.datasets.preprocessing import Preprocessing
from vistok.datasets.reader import PixelReader, Reader
from vistok.errors import VistokError, unknown
from vistok.grid.tokenizers import Encoder
from vistok.tokenizers.pixels import normalise

# One module per library, imported only when an entry asks for it.
_KINDS: Final = {
    "timm": "timm_encoder",
    "open-clip": "open_clip_encoder",
    "transformers": "transformers_encoder",
    "contents": "contents_encoder",
    "ibq": "ibq_encoder",
}
Tensors = dict[str, Tensor]
_LONGEST: Final = 200
_EDIT: Final = "Correct the entry's `encoder`."


class VisualTokenizer(nn.Module, ABC):
    """An image encoder, tapped at its last block (released code: all tokens, before any final norm).

    Attributes:
        trunk: the encoder as its library builds it, without what the tokens do not pass through.
    """

    trunk: Any

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def reads(self) -> Reader:
        """Returns what makes its input of an image."""
        return PixelReader(Preprocessing(self.encoder.image_size, self.encoder.normalisation))

    def prepared(self, images: Tensor) -> Tensor:
        """Returns what its reader shows, as `forward` takes it: bytes are pixels, and are normalised."""
        return normalise(images, self.encoder.normalisation) if images.dtype == torch.uint8 else images

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of its input of one image."""
        return (3, self.encoder.image_size, self.encoder.image_size)

    def adapted(self, tensors: Tensors) -> Tensors:
        """Returns a file's tensors as its library loads them when it fetches them itself, for its size of images."""
        return tensors

    @abstractmethod
    def forward(self, images: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch tokens width"]:
        """Returns the visual tokens of normalised images, or of whatever else it reads."""


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
    except Exception as error:  # each of the three libraries raises errors of its own
        near = difflib.get_close_matches(encoder.name, module.names(), n=1)
        hint = f" Did you mean {near[0]!r}?" if near and near[0] != encoder.name else ""
        raise VistokError(
            f"{encoder.library} cannot build {encoder.name!r} with {encoder.arguments}: {_first_line(error)}."
            f"{hint} {_EDIT}"
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
    """Refuses an encoder whose tokens its image does not decide, or that gives others than its entry says.

    The connector is built from the entry, and an MLLM is trained and asked in different passes.
    """
    encoder = tokenizer.encoder
    device = next(tokenizer.parameters()).device
    shape = (1, *tokenizer.input_shape)
    image = torch.rand(shape, generator=torch.Generator().manual_seed(0), device="cpu").to(device)
    tokenizer.eval()
    try:
        first, second = tokenizer(image), tokenizer(image)
    except Exception as error:  # any exception: an encoder may need more than an image
        raise VistokError(
            f"{encoder.name!r} takes no images of {encoder.image_size} pixels: {_first_line(error)}. {_EDIT}"
        ) from error
    if device.type != "meta" and not torch.equal(first, second):
        raise VistokError(
            f"{encoder.name!r} gives other tokens each time that it sees an image, as encoders do that hide "
            f"random patches; a tokenizer gives the same. Name its release without that. {_EDIT}"
        )
    tokens, width = first.shape[1:]
    if (tokens, width) != (encoder.tokens, encoder.width):
        raise VistokError(
            f"{encoder.name!r} gives {tokens} tokens of width {width} for images of "
            f"{encoder.image_size} pixels; its entry says {encoder.tokens} of width {encoder.width}. {_EDIT}"
        )
    tokenizer.train()


def _first_line(error: Exception) -> str:
    line = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
