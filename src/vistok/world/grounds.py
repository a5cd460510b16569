"""What lies behind the objects of a scene, cell by cell, and how the light falls on it.

In photographs a background changes within an image, and so does the light. Where one background and one light fill a
whole image, they are what its crops share, and self-supervised encoders learn nothing else (docs/mini-scale.md).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from vistok.world.catalog import BACKGROUND_NAMES, BACKGROUNDS, CELL, CELLS, IMAGE_SIZE
from vistok.world.scene import Scene

Pixels = npt.NDArray[np.int16]
Kinds = npt.NDArray[np.int64]

FIELD: Final = 256  # random bytes that the textures of an image share
# Of nine cells, so many show the background that the scene names; no other one fills more than three.
_NAMED_LEAST: Final = 4
_NAMED_GREATEST: Final = 6
_OTHERS_GREATEST: Final = 3
# Grey levels by which each channel of a cell's ground is shifted at most: two cells of grass are not the same green.
_TINT: Final = 24
# Per cent by which the light rises or falls at most from the middle of an image to its edge.
_SLOPE: Final = 30
_DRAWN: Final = 48  # bytes of a scene's own stream: two orders of cells, a number, nine tints, two slopes

_SIDE: Final = IMAGE_SIZE // CELL
_BASES = np.array([BACKGROUNDS[name] for name in BACKGROUND_NAMES], dtype=np.int16)
# Half range of the field and of the grain, in grey levels.
_FIELD_LEVELS = np.array([16, 12, 18, 20], dtype=np.int16)
_GRAIN_LEVELS = np.array([18, 10, 6, 12], dtype=np.int16)


def cell_backgrounds(scene: Scene) -> tuple[str, ...]:
    """Returns the background of each cell, row by row: the scene's own in more cells than any other."""
    return tuple(BACKGROUND_NAMES[kind] for kind in _kinds([scene], _drawn([scene]))[0])


def grounds(scenes: Sequence[Scene], random: Pixels) -> Pixels:
    """Returns the images without objects, of shape (scenes, 48, 48, 3).

    Args:
        random: integers of -128..127 of each scene: FIELD for the field of a texture, then one a pixel for its grain.
    """
    drawn = _drawn(scenes)
    kinds = _by_pixel(_kinds(scenes, drawn).reshape(-1, _SIDE, _SIDE)).reshape(len(scenes), -1)
    field = np.take_along_axis(random, _MAPS[kinds, np.arange(kinds.shape[1])], axis=1)
    shade = field * _FIELD_LEVELS[kinds] + random[:, FIELD:] * _GRAIN_LEVELS[kinds] >> 7
    shade -= _veins() * (kinds == BACKGROUND_NAMES.index("stone"))
    tint = (drawn[:, 19:46] * (2 * _TINT + 1) >> 8) - _TINT
    pixels = (_BASES[kinds] + shade[..., None]).reshape(-1, IMAGE_SIZE, IMAGE_SIZE, 3)
    tinted = pixels + _by_pixel(tint.reshape(-1, _SIDE, _SIDE, 3))
    return np.clip(tinted, 0, 255).astype(np.int16)


def slope_of_light(scenes: Sequence[Scene]) -> Pixels:
    """Returns, in 64ths, how much of its light falls on each pixel: it rises in a direction of the scene's own."""
    line = np.arange(IMAGE_SIZE) * 2 + 1 - IMAGE_SIZE
    down, across = ((_drawn(scenes)[:, 46:] * 129 >> 8) - 64).T[:, :, None, None]
    rise = (down * line[:, None] + across * line) * _SLOPE // (100 * IMAGE_SIZE)
    light: Pixels = (64 + rise)[..., None].astype(np.int16)
    return light


def _drawn(scenes: Sequence[Scene]) -> Kinds:
    """Returns random integers of 0..255 of each scene, from a stream beside that of its textures and noise."""
    words = [np.random.PCG64([scene.seed, 1]).random_raw(_DRAWN // 8) for scene in scenes]
    return np.stack(words).astype("<u8").view(np.uint8).astype(np.int64)


def _kinds(scenes: Sequence[Scene], drawn: Kinds) -> Kinds:
    """Returns the background of each cell of each scene, as its position among BACKGROUND_NAMES."""
    own = np.array([BACKGROUND_NAMES.index(scene.background) for scene in scenes])
    cells, others = (drawn[:, columns].argsort(axis=1, kind="stable") for columns in (slice(9), slice(9, 18)))
    named = _NAMED_LEAST + drawn[:, 18:19] % (_NAMED_GREATEST + 1 - _NAMED_LEAST)
    filled = np.where(
        np.arange(CELLS) < named, own[:, None], np.take_along_axis(_OTHERS[own], others, axis=1)
    )
    kinds = np.empty_like(filled)
    np.put_along_axis(kinds, cells, filled, axis=1)
    return kinds


def _other_kinds() -> Kinds:
    """Returns, for each background, the others, each as often as it may fill a cell."""
    kinds = range(len(BACKGROUNDS))
    return np.array([[other for other in kinds if other != own] * _OTHERS_GREATEST for own in kinds])


_OTHERS = _other_kinds()


def _by_pixel(cells: Kinds) -> Kinds:
    return cells.repeat(CELL, axis=1).repeat(CELL, axis=2)


def _texture_maps() -> dict[str, Kinds]:
    """Returns, for each background, which random byte of the field lights each pixel."""
    x, y = np.arange(IMAGE_SIZE)[None, :], np.arange(IMAGE_SIZE)[:, None]
    maps = {
        "grass": x + IMAGE_SIZE * (y // 12),
        "sand": x // 6 + 8 * (y // 6),
        "water": y // 2 * 4 + x // 12,
        "stone": x // 12 + 4 * (y // 12),
    }
    return {name: np.broadcast_to(index, (IMAGE_SIZE, IMAGE_SIZE)).ravel() for name, index in maps.items()}


_MAPS = np.stack([_texture_maps()[name] for name in BACKGROUND_NAMES])


def _veins() -> Pixels:
    """Returns how much darker the slanted veins of stone are, pixel by pixel."""
    x, y = np.arange(IMAGE_SIZE)[None, :], np.arange(IMAGE_SIZE)[:, None]
    return (((x + 2 * y) % 24 < 2) * 22).astype(np.int16).ravel()
