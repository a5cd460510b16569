"""The dark part that is typical of each category, as a car has wheels and windows and a tree has none."""

from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from vistok.world.catalog import CATEGORY_NAMES, CELL

Grid = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

PART_KEPT: Final = 8  # of 16ths of an object's brightness in its dark part: less hides its colour
# Where it is, in coordinates of -12..12 over the object, y pointing down.
_PARTS: Final[tuple[Callable[[Grid, Grid], Mask], ...]] = (
    lambda x, y: y > 0,
    lambda x, y: x > 0,
    lambda x, y: x * x + y * y < 49,
    lambda x, y: x + y > 0,
    lambda x, y: (x > 0) != (y > 0),
    lambda x, y: abs(x) < 5,
    lambda x, y: x - y > 0,
    lambda x, y: abs(y) < 5,
    lambda x, y: ((x < 0) & (y < 0)) | (x * x + y * y > 100),
)
_BY_NAME: Final = dict(zip(CATEGORY_NAMES, _PARTS, strict=True))


@cache
def dark_part(category: str, extent: int) -> Mask:
    """Returns which pixels of an object's window of CELL x CELL pixels are dark."""
    line = (np.arange(CELL) * 2 + 1 - extent) * 12 // extent
    return np.broadcast_to(_BY_NAME[category](line[None, :], line[:, None]), (CELL, CELL))
