"""Backgrounds, tints and light of single cells, against the scene that names them."""

from collections import Counter
from dataclasses import replace

import numpy as np

from vistok.world.catalog import BACKGROUND_NAMES, CELL, IMAGE_SIZE
from vistok.world.grounds import cell_backgrounds, slope_of_light
from vistok.world.render import render
from vistok.world.scene import Light, Scene


def test_the_named_background_fills_more_cells_than_any_other(scenes: list[Scene]) -> None:
    named, others = set(), set()
    for scene in scenes:
        counts = Counter(cell_backgrounds(scene))
        assert counts.total() == 9
        named.add(counts.pop(scene.background))
        others |= set(counts.values())
    assert named == {4, 5, 6}
    assert others == {1, 2, 3}


def test_every_cell_shows_every_background(scenes: list[Scene]) -> None:
    seen = Counter((cell, name) for scene in scenes for cell, name in enumerate(cell_backgrounds(scene)))
    assert len(seen) == 9 * len(BACKGROUND_NAMES)
    assert max(seen.values()) < 1.5 * min(seen.values())


def bare(scene: Scene) -> Scene:
    return replace(scene, groups=(), crowd=None, marks=(), light=Light(64, 64, 0))


def test_cells_of_one_background_differ_in_tint(scenes: list[Scene]) -> None:
    images = render([bare(scene) for scene in scenes[:40]]).astype(float)
    cells = images.reshape(-1, 3, CELL, 3, CELL, 3).mean(axis=(2, 4)).reshape(-1, 9, 3)
    colours = cells / cells.sum(axis=-1, keepdims=True)  # the slope of the light taken out
    spread = []
    for scene, image in zip(scenes, colours, strict=False):
        own = [name == scene.background for name in cell_backgrounds(scene)]
        spread.append(image[own].std(axis=0).mean())
    assert np.mean(spread) > 0.01


def test_light_slopes_in_every_direction_and_keeps_its_middle(scenes: list[Scene]) -> None:
    light = slope_of_light(scenes)[..., 0]
    assert light.shape == (len(scenes), IMAGE_SIZE, IMAGE_SIZE)
    middle = light[:, IMAGE_SIZE // 2 - 1 : IMAGE_SIZE // 2 + 1, IMAGE_SIZE // 2 - 1 : IMAGE_SIZE // 2 + 1]
    assert np.abs(middle - 64).max() <= 2
    down, across = light[:, -1, 24] - light[:, 0, 24], light[:, 24, -1] - light[:, 24, 0]
    assert {(int(a > 0), int(b > 0)) for a, b in zip(down, across, strict=True)} == {
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
    }
    assert light.min() >= 20
    assert light.max() <= 108
