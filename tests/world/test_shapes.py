from itertools import combinations

import numpy as np
import pytest

from vistok.world.catalog import CATEGORY_NAMES
from vistok.world.shapes import LARGE_EXTENTS, SMALL_EXTENTS, crowd_sprite, object_sprite

EXTENTS = (*LARGE_EXTENTS, *SMALL_EXTENTS)


@pytest.mark.parametrize("category", CATEGORY_NAMES)
@pytest.mark.parametrize("extent", EXTENTS)
def test_a_sprite_fills_its_extent(category: str, extent: int) -> None:
    sprite = object_sprite(category, extent)
    x0, y0, x1, y1 = sprite.box
    assert max(x1 - x0, y1 - y0) >= extent - 1
    assert min(x1 - x0, y1 - y0) >= extent // 2
    assert 0 <= x0 < x1 <= extent
    assert 0 <= y0 < y1 <= extent


@pytest.mark.parametrize("category", CATEGORY_NAMES)
@pytest.mark.parametrize("extent", EXTENTS)
def test_the_colour_of_a_sprite_shows(category: str, extent: int) -> None:
    sprite = object_sprite(category, extent)
    assert sprite.outline.min() == 0
    assert sprite.fill.min() == 0
    assert (sprite.fill + sprite.outline).max() == 16
    assert sprite.fill.sum() > 0.3 * (sprite.fill + sprite.outline).sum()


@pytest.mark.parametrize("extent", EXTENTS)
def test_no_two_categories_look_alike(extent: int) -> None:
    """Of the pixels that either of two shapes covers, at least a sixth differ."""
    for one, other in combinations(CATEGORY_NAMES, 2):
        first, second = ((s := object_sprite(name, extent)).fill + s.outline for name in (one, other))
        differing = np.abs(first - second).sum() / np.maximum(first, second).sum()
        assert differing > 1 / 6, (one, other)


def test_masks_are_pinned() -> None:
    """Sums of sample counts, which exact arithmetic gives on every machine."""
    covered = [int((s := object_sprite(name, 15)).fill[..., 0].sum() + s.outline[..., 0].sum())
               for name in CATEGORY_NAMES]  # fmt: skip
    assert covered == PINNED


PINNED = [3364, 2828, 2272, 1740, 1218, 2000, 1414, 2256, 2102]


def test_a_crowd_fills_its_cell() -> None:
    for category in CATEGORY_NAMES:
        x0, y0, x1, y1 = crowd_sprite(category).box
        assert (x1 - x0) >= 13
        assert (y1 - y0) >= 14
