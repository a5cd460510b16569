"""The shapes of the categories, as anti-aliased masks made in exact integer arithmetic."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from vistok.world.catalog import CATEGORY_NAMES, CELL

Mask = npt.NDArray[np.bool_]
Weights = npt.NDArray[np.int16]
Grid = npt.NDArray[np.int64]

SAMPLES = 4
LARGE_EXTENTS = (14, 15)
SMALL_EXTENTS = (9, 10)
TINY_EXTENT = 5
MARKS = ("dot", "blob", "dash", "post", "slash")

# Shapes whose colour would vanish under an edge of a whole pixel.
_THIN = ("ring", "ladder")
# A five-pointed star in thousandths of its radius, y pointing down.
_STAR = (
    (0, -1050), (270, -330), (1000, -330), (420, 130), (640, 880),
    (0, 430), (-640, 880), (-420, 130), (-1000, -330), (-270, -330),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sprite:
    """A shape on a window of CELL x CELL pixels.

    Attributes:
        outline: weights of the dark edge in 16ths, of shape (16, 16, 3), the same for each colour channel.
        fill: weights of the colour, likewise; outline + fill is at most 16.
        box: (x0, y0, x1, y1), the tight extent of the pixels touched, x1 and y1 excluded.
    """

    outline: Weights
    fill: Weights
    box: tuple[int, int, int, int]


@cache
def object_sprite(category: str, extent: int) -> Sprite:
    """Returns an object of `category` that is `extent` pixels wide or high."""
    shape = _shape(category, extent)
    thick = extent >= min(LARGE_EXTENTS) and category not in _THIN
    return _sprite(shape, _eroded(shape, SAMPLES - 1 if thick else SAMPLES // 2))


@cache
def crowd_sprite(category: str) -> Sprite:
    """Returns a cell packed with nine tiny copies of `category`."""
    tile = _shape(category, TINY_EXTENT)
    shape = np.tile(tile, (3, 3))
    return _sprite(shape, shape)


@cache
def mark_sprite(mark: str) -> Sprite:
    """Returns a little stroke or blob that belongs to no category."""
    extents = {"dot": (2, 2), "blob": (3, 3), "dash": (5, 1), "post": (1, 4), "slash": (4, 4)}
    width, height = extents[mark]
    shape = np.ones((height, width), dtype=bool)
    if mark == "slash":
        shape = np.eye(4, dtype=bool)
    elif mark == "blob":
        shape[[0, 0, 2, 2], [0, 2, 0, 2]] = False
    fine = np.repeat(np.repeat(shape, SAMPLES, axis=0), SAMPLES, axis=1)
    return _sprite(fine, fine)


def _sprite(shape: Mask, inner: Mask) -> Sprite:
    coverage, fill = _coverage(shape), _coverage(inner)
    rows, columns = np.flatnonzero(coverage.any(axis=1)), np.flatnonzero(coverage.any(axis=0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return Sprite(outline=_channels(coverage - fill), fill=_channels(fill), box=box)


def _coverage(shape: Mask) -> Weights:
    """Counts the samples of each pixel, on a window of CELL x CELL pixels."""
    window = np.zeros((CELL * SAMPLES, CELL * SAMPLES), dtype=np.int16)
    window[: shape.shape[0], : shape.shape[1]] = shape
    samples: Weights = window.reshape(CELL, SAMPLES, CELL, SAMPLES).sum(axis=(1, 3), dtype=np.int16)
    return samples


def _channels(weights: Weights) -> Weights:
    return np.repeat(weights[..., None], 3, axis=2)


def _eroded(shape: Mask, steps: int) -> Mask:
    framed = np.pad(shape, 1)
    for _ in range(steps):
        core = framed[1:-1, 1:-1]
        sides = framed[:-2, 1:-1] & framed[2:, 1:-1] & framed[1:-1, :-2] & framed[1:-1, 2:]
        framed = np.pad(core & sides, 1)
    return framed[1:-1, 1:-1]


def _shape(category: str, extent: int) -> Mask:
    """Returns the fine mask; coordinates are the odd integers of -radius..radius, y pointing down."""
    radius = extent * SAMPLES
    line = np.arange(1 - radius, radius, 2, dtype=np.int64)
    x, y = line[None, :], line[:, None]
    mask = _SHAPES[category](x, y, radius)
    return np.broadcast_to(mask, (radius, radius)).copy()


def _disc(x: Grid, y: Grid, square: int) -> Mask:
    mask: Mask = x * x + y * y <= square
    return mask


def _square(x: Grid, y: Grid, r: int) -> Mask:
    return (100 * abs(x) <= 97 * r) & (100 * abs(y) <= 97 * r)


def _circle(x: Grid, y: Grid, r: int) -> Mask:
    return _disc(x, y, r * r)


def _ring(x: Grid, y: Grid, r: int) -> Mask:
    return _disc(x, y, r * r) & ~_disc(x, y, r * r // 5)


def _triangle(x: Grid, y: Grid, r: int) -> Mask:
    return (2 * abs(x) <= y + r) & (20 * y <= 19 * r)


def _star(x: Grid, y: Grid, r: int) -> Mask:
    """Even-odd rule over the star's edges; every crossing is compared in integers."""
    inside = np.zeros(np.broadcast_shapes(x.shape, y.shape), dtype=bool)
    for (x0, y0), (x1, y1) in zip(_STAR, _STAR[1:] + _STAR[:1], strict=True):
        spans = (1000 * y < r * y0) != (1000 * y < r * y1)
        side = (1000 * x - r * x0) * (y1 - y0) - (1000 * y - r * y0) * (x1 - x0)
        inside ^= spans & ((side < 0) == (y1 > y0))
    return inside


def _cross(x: Grid, y: Grid, r: int) -> Mask:
    return (3 * abs(x) <= r) | (3 * abs(y) <= r)


def _half_moon(x: Grid, y: Grid, r: int) -> Mask:
    return _disc(2 * x + r, 2 * y, 4 * r * r) & (2 * x + r >= 0)


def _ladder(x: Grid, y: Grid, r: int) -> Mask:
    rails = (20 * abs(x) >= 8 * r) & (20 * abs(x) <= 17 * r)
    rungs = (20 * abs(x) <= 17 * r) & (20 * abs(2 * abs(y) - r) <= 8 * r)
    return rails | rungs


def _leaf(x: Grid, y: Grid, r: int) -> Mask:
    """The lens that two discs share; its tips point up right and down left."""
    square = 308 * r * r
    return _disc(10 * x - 8 * r, 10 * y - 8 * r, square) & _disc(10 * x + 8 * r, 10 * y + 8 * r, square)


_SHAPES = dict(
    zip(
        CATEGORY_NAMES,
        (_square, _circle, _ring, _triangle, _star, _cross, _half_moon, _ladder, _leaf),
        strict=True,
    )
)
