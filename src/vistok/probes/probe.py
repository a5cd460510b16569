"""The cell probe: what an encoder's tokens tell of the boxes that they lie in, without a language model.

It sees what the mean of all tokens hides: whether category is in each token, linearly or at all, and how much of what a
connector's LayerNorm lets through is category, and how much colour, background or place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from vistok.errors import VistokError
from vistok.probes.cells import ObjectBoxes, Tokens, tokens_in, whitened_rows
from vistok.probes.readers import Features, Reader, read_by_perceptron, read_crosswise, read_linearly
from vistok.probes.values import (
    CellProbe,
    Estimate,
    block_of,
    effective_rank,
    jackknifed,
    share_of_variance,
)

Pixels = UInt8[np.ndarray, "images height width 3"]

_LEAST_IMAGES: Final = 8


def probe_cells(
    features: Callable[[Pixels], Tokens], images: Pixels, cells: ObjectBoxes, *, mlp: bool = True
) -> CellProbe:
    """Returns what the tokens of an encoder tell of annotated boxes.

    Readers are fitted on one random half of the images and read the other, and the other way round. Standard errors are
    those of the images: a jackknife over blocks of them.

    Args:
        features: from images to their tokens, those of a square grid last.
        images: of the encoder's size.
        cells: the boxes in them.
        mlp: whether to train the perceptron too, which takes most of the time.

    Raises:
        VistokError: there are too few images, or one category only, or the tokens are of no square grid.
    """
    where = _Split.of(cells)
    tokens = np.asarray(features(images), dtype=np.float64)
    inside = tokens_in(tokens, cells)
    seen = tokens_in(whitened_rows(tokens), cells)
    return CellProbe(
        linear=_accuracy(read_linearly, inside, cells, where),
        mlp=_accuracy(read_by_perceptron, inside, cells, where) if mlp else None,
        shares={
            name: share_of_variance(seen, groups, where.blocks) for name, groups in cells.attributes.items()
        },
        rank=effective_rank(seen),
        boxes=len(cells),
        images=len(np.unique(cells.images)),
        chance=100 * float(np.bincount(cells.category).max()) / len(cells),
    )


@dataclass(frozen=True, eq=False)
class _Split:
    """Which half of the images a box is in, and which block of them."""

    second: Bool[np.ndarray, " boxes"]
    blocks: Int64[np.ndarray, " boxes"]

    @classmethod
    def of(cls, cells: ObjectBoxes) -> "_Split":
        unique, inverse = np.unique(cells.images, return_inverse=True)
        halves = np.random.default_rng(0).permutation(len(unique)) % 2 == 1
        second = halves[inverse]
        categories = set.intersection(*(set(cells.category[half].tolist()) for half in (second, ~second)))
        if len(unique) < _LEAST_IMAGES or len(categories) < 2:
            raise VistokError(
                f"the probe has {len(cells)} boxes in {len(unique)} images, and {len(categories)} categories "
                f"are in both halves of them: at least {_LEAST_IMAGES} images and 2 categories are needed. Give it "
                "more images with instances."
            )
        return cls(second, block_of(cells.images))


def _accuracy(reader: Reader, inside: Features, cells: ObjectBoxes, where: _Split) -> Estimate:
    right = read_crosswise(reader, inside, cells.category, where.second) == cells.category
    return jackknifed(lambda mask: 100 * float(right[mask].mean()), where.blocks)
