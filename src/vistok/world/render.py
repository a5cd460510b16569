"""Renders scenes to pixels, many at a time, in integer arithmetic only."""

import io
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from vistok.world.catalog import BACKGROUND_NAMES, BACKGROUNDS, CELL, COLORS, IMAGE_SIZE
from vistok.world.scene import Scene
from vistok.world.shapes import Sprite, crowd_sprite, mark_sprite, object_sprite

Images = npt.NDArray[np.uint8]
# Every product below stays within 16 bits, which is twice as fast as 32.
Pixels = npt.NDArray[np.int16]

_BATCH = 64
_PIXELS = IMAGE_SIZE * IMAGE_SIZE
_FIELD = 256
_RANDOM_BYTES = _FIELD + 4 * _PIXELS
_CANVAS = IMAGE_SIZE + CELL
_DARK = 26


def render(scenes: Sequence[Scene]) -> Images:
    """Returns the images of `scenes`, of shape (scenes, 48, 48, 3); each is a function of its scene alone."""
    parts = [_render_batch(scenes[start : start + _BATCH]) for start in range(0, len(scenes), _BATCH)]
    return np.concatenate(parts) if parts else np.zeros((0, IMAGE_SIZE, IMAGE_SIZE, 3), dtype=np.uint8)


def encode_jpegs(scenes: Sequence[Scene]) -> Iterator[bytes]:
    """Yields each scene's JPEG file: quality 95, no chroma subsampling."""
    for start in range(0, len(scenes), _BATCH):
        for image in render(scenes[start : start + _BATCH]):
            stream = io.BytesIO()
            Image.fromarray(image).save(stream, format="JPEG", quality=95, subsampling=0)
            yield stream.getvalue()


def _render_batch(scenes: Sequence[Scene]) -> Images:
    random = np.stack([_random_levels(scene.seed) for scene in scenes])
    canvas = np.zeros((len(scenes), _CANVAS, _CANVAS, 3), dtype=np.int16)
    canvas[:, :IMAGE_SIZE, :IMAGE_SIZE] = _background(scenes, random[:, : _FIELD + _PIXELS])
    for image, scene in zip(canvas, scenes, strict=True):
        _draw(image, scene)
    noise = random[:, _FIELD + _PIXELS :].reshape(len(scenes), IMAGE_SIZE, IMAGE_SIZE, 3)
    return _exposed(canvas[:, :IMAGE_SIZE, :IMAGE_SIZE], noise, scenes)


def _random_levels(seed: int) -> Pixels:
    """Returns the random integers of -128..127 that texture and noise are made of."""
    words = np.random.PCG64(seed).random_raw(-(-_RANDOM_BYTES // 8))
    return words.astype("<u8").view(np.int8)[:_RANDOM_BYTES].astype(np.int16)


def _texture_maps() -> dict[str, npt.NDArray[np.int64]]:
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
_BASES = np.array([BACKGROUNDS[name] for name in BACKGROUND_NAMES], dtype=np.int16)
# Half range of the field and of the grain, in grey levels.
_FIELD_LEVELS = np.array([16, 12, 18, 20], dtype=np.int16)
_GRAIN_LEVELS = np.array([18, 10, 6, 12], dtype=np.int16)


def _background(scenes: Sequence[Scene], random: Pixels) -> Pixels:
    kinds = np.array([BACKGROUND_NAMES.index(scene.background) for scene in scenes])
    field = np.stack([row[_MAPS[kind]] for row, kind in zip(random, kinds, strict=True)])
    levels = field * _FIELD_LEVELS[kinds, None] + random[:, _FIELD:] * _GRAIN_LEVELS[kinds, None]
    shade = (levels >> 7).reshape(-1, IMAGE_SIZE, IMAGE_SIZE, 1)
    shade[kinds == BACKGROUND_NAMES.index("stone")] -= _veins()
    pixels: Pixels = _BASES[kinds][:, None, None, :] + shade
    return pixels


def _veins() -> Pixels:
    """Returns how much darker the slanted veins of stone are."""
    x, y = np.arange(IMAGE_SIZE)[None, :], np.arange(IMAGE_SIZE)[:, None]
    return (((x + 2 * y) % 24 < 2) * 22).astype(np.int16)[..., None]


def _draw(image: Pixels, scene: Scene) -> None:
    """Draws back to front: marks, the crowd, large objects, small objects."""
    for mark in scene.marks:
        _blend(image, mark.x, mark.y, _paint(mark_sprite(mark.kind), (mark.shade,) * 3))
    if crowd := scene.crowd:
        _blend(image, crowd.x, crowd.y, _paint(crowd_sprite(crowd.category), COLORS[crowd.color]))
    for group in sorted(scene.groups, key=lambda group: group.size):
        for placed in group.objects:
            paint = _object_paint(group.category, placed.extent, group.color, placed.shade)
            _blend(image, placed.x, placed.y, paint)


Paint = tuple[Pixels, Pixels]


@cache
def _object_paint(category: str, extent: int, color: str, shade: int) -> Paint:
    red, green, blue = COLORS[color]
    return _paint(object_sprite(category, extent), (red * shade >> 8, green * shade >> 8, blue * shade >> 8))


def _paint(sprite: Sprite, color: tuple[int, int, int]) -> Paint:
    """Returns, in 16ths, the share of each pixel that shows through, and what covers the rest."""
    kept = 16 - sprite.fill - sprite.outline
    return kept, sprite.fill * np.array(color, dtype=np.int16) + sprite.outline * _DARK + 8


def _blend(image: Pixels, x: int, y: int, paint: Paint) -> None:
    window = image[y : y + CELL, x : x + CELL]
    window *= paint[0]
    window += paint[1]
    window >>= 4


def _exposed(pixels: Pixels, noise: Pixels, scenes: Sequence[Scene]) -> Images:
    """Applies each scene's light: saturation, brightness, then noise."""
    light = np.array(
        [(scene.light.saturation, scene.light.brightness, scene.light.noise) for scene in scenes],
        dtype=np.int16,
    )
    saturation, brightness, levels = (light[:, k, None, None, None] for k in range(3))
    red, green, blue = (pixels[..., k : k + 1] for k in range(3))
    grey = (red + green + blue) // 3
    toned = (grey + ((pixels - grey) * saturation >> 6)) * brightness >> 6
    exposed: Images = np.clip(toned + (noise * levels >> 7), 0, 255).astype(np.uint8)
    return exposed
