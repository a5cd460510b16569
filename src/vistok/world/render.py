"""Renders scenes to pixels, many at a time, in integer arithmetic only."""

import io
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from vistok.world.catalog import CELL, COLORS, IMAGE_SIZE
from vistok.world.grounds import FIELD, Pixels, grounds, slope_of_light
from vistok.world.parts import PART_KEPT, dark_part
from vistok.world.scene import Scene
from vistok.world.shapes import Sprite, crowd_sprite, mark_sprite, object_sprite

Images = npt.NDArray[np.uint8]

# Every product below stays within 16 bits, which is twice as fast as 32.
_BATCH = 64
_PIXELS = IMAGE_SIZE * IMAGE_SIZE
_RANDOM_BYTES = FIELD + 4 * _PIXELS
_CANVAS = IMAGE_SIZE + CELL
_DARK = 26


def render(scenes: Sequence[Scene]) -> Images:
    """Returns the images of `scenes`, of shape (scenes, 48, 48, 3); each is a function of its scene alone."""
    batches = [_render_batch(scenes[start : start + _BATCH]) for start in range(0, len(scenes), _BATCH)]
    return np.concatenate(batches) if batches else np.zeros((0, IMAGE_SIZE, IMAGE_SIZE, 3), dtype=np.uint8)


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
    canvas[:, :IMAGE_SIZE, :IMAGE_SIZE] = grounds(scenes, random[:, : FIELD + _PIXELS])
    for image, scene in zip(canvas, scenes, strict=True):
        _draw(image, scene)
    noise = random[:, FIELD + _PIXELS :].reshape(len(scenes), IMAGE_SIZE, IMAGE_SIZE, 3)
    return _exposed(canvas[:, :IMAGE_SIZE, :IMAGE_SIZE], noise, scenes)


def _random_levels(seed: int) -> Pixels:
    """Returns the random integers of -128..127 that texture and noise are made of."""
    words = np.random.PCG64(seed).random_raw(-(-_RANDOM_BYTES // 8))
    return words.astype("<u8").view(np.int8)[:_RANDOM_BYTES].astype(np.int16)


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
    through, cover = _paint(
        object_sprite(category, extent), (red * shade >> 8, green * shade >> 8, blue * shade >> 8)
    )
    return through, np.where(dark_part(category, extent)[..., None], cover * PART_KEPT >> 4, cover)


def _paint(sprite: Sprite, color: tuple[int, int, int]) -> Paint:
    """Returns, in 16ths, the share of each pixel that shows through, and what covers the rest."""
    through = 16 - sprite.fill - sprite.outline
    return through, sprite.fill * np.array(color, dtype=np.int16) + sprite.outline * _DARK + 8


def _blend(image: Pixels, x: int, y: int, paint: Paint) -> None:
    window = image[y : y + CELL, x : x + CELL]
    window *= paint[0]
    window += paint[1]
    window >>= 4


def _exposed(pixels: Pixels, noise: Pixels, scenes: Sequence[Scene]) -> Images:
    """Applies each scene's light: saturation, brightness where it falls, then noise."""
    light = np.array(
        [(scene.light.saturation, scene.light.brightness, scene.light.noise) for scene in scenes],
        dtype=np.int16,
    )
    saturation, brightness, levels = (light[:, k, None, None, None] for k in range(3))
    brightness = brightness * slope_of_light(scenes) >> 6
    red, green, blue = (pixels[..., k : k + 1] for k in range(3))
    grey = (red + green + blue) // 3
    toned = (grey + ((pixels - grey) * saturation >> 6)) * brightness >> 6
    exposed: Images = np.clip(toned + (noise * levels >> 7), 0, 255).astype(np.uint8)
    return exposed
