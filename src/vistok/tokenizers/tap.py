"""Finds the last block of a loaded tokenizer, and reads it elsewhere than its entry says."""

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
        tokenizer.trunk.blocks = _blocks(tokenizer, "reads", "at the block before its last", "`tap`")[:-1]
    tokenizer.encoder = encoder
    return tokenizer


def last_block(tokenizer: VisualTokenizer) -> list[nn.Module]:
    """Returns the last block of an encoder; none of true contents, which have no blocks.

    Raises:
        VistokError: the encoder has no list of blocks.
    """
    if tokenizer.encoder.library == "contents":
        return []
    return [_blocks(tokenizer, "trains", "in its last block", "`tokenizer-last-block`")[-1]]


def _blocks(tokenizer: VisualTokenizer, does: str, where: str, field: str) -> nn.Sequential | nn.ModuleList:
    blocks, encoder = getattr(tokenizer.trunk, "blocks", None), tokenizer.encoder
    if not isinstance(blocks, nn.Sequential | nn.ModuleList) or len(blocks) < 2:
        raise VistokError(
            f"the recipe {does} {encoder.name!r} ({encoder.library}) {where}, and it has no list of blocks. Leave "
            f"{field} out of the recipe, or name a vision transformer of timm."
        )
    return blocks
