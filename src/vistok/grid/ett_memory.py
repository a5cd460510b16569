"""How much memory an image takes that is reconstructed in training, also in the unit in which jobs are sized."""

from typing import Final

from vistok.grid.ett import NetworkSize

# What training keeps of an image for the backward pass, in numbers of four bytes; counted in the code, not measured:
# maps of the finest size, of nine residual blocks, the perceptual net and the discriminator, and a third more of the
# coarser ones; and of each position the products with all codes, their softmaxes and one-hots.
_MAPS: Final = 100
# Of these, those of the encoder alone: four of the nine blocks, and their share of the coarser maps.
_MAPS_READ: Final = 40
_OF_CODES: Final = 10
_BYTES: Final = 4
# What one position of a 7-B model keeps (planning/costs.py), in which `positions` of a scale's `resources` are thought.
_POSITION: Final = 44 * 4096 * 32


def kept_bytes(size: NetworkSize) -> int:
    """Returns the bytes that training keeps of one image, roughly."""
    maps = _MAPS * size.channels * (size.image_size // size.stem) ** 2
    return _BYTES * (maps + _OF_CODES * size.tokens * size.codes)


def kept_to_read(size: NetworkSize) -> int:
    """Returns the bytes that training keeps of one image that is encoded and not reconstructed, roughly."""
    maps = _MAPS_READ * size.channels * (size.image_size // size.stem) ** 2
    return _BYTES * (maps + _OF_CODES * size.tokens * size.codes)


def positions_of(size: NetworkSize) -> int:
    """Returns how many positions of a language model's text one image stands for, when a batch is cut to fit."""
    return size.tokens + kept_bytes(size) // _POSITION
