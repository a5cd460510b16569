"""Reads a loaded tokenizer elsewhere than its entry says: a block earlier, or without its class token."""

from torch import nn

from vistok.errors import VistokError
from vistok.grid.tokenizers import Encoder, Tap
from vistok.tokenizers.base import VisualTokenizer


def read_at(tokenizer: VisualTokenizer, encoder: Encoder, block: str = "last") -> VisualTokenizer:
    """Returns the tokenizer as another entry of the same encoder reads it; it is changed in place.

    Args:
        tokenizer: with its weights.
        encoder: what its tokens are then.
        block: as `Tap.block`; true contents have no blocks, and are read whole.

    Raises:
        VistokError: a block is to be left out of an encoder that has none.
    """
    if block != Tap().block and encoder.library != "contents":
        blocks = getattr(tokenizer.trunk, "blocks", None)
        if not isinstance(blocks, nn.Sequential | nn.ModuleList) or len(blocks) < 2:
            raise VistokError(
                f"the recipe reads {encoder.name!r} ({encoder.library}) at the block before its last, and it has no "
                "list of blocks. Leave `tap` out of the recipe, or name a vision transformer of timm."
            )
        tokenizer.trunk.blocks = blocks[:-1]
    tokenizer.encoder = encoder
    return tokenizer
