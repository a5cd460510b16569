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
    """Of what either of two shapes covers, a fifth differs, or nearly: least for a square and a circle."""
    shares = {}
    for pair in combinations(CATEGORY_NAMES, 2):
        first, second = ((s := object_sprite(name, extent)).fill + s.outline for name in pair)
        shares[pair] = np.abs(first - second).sum() / np.maximum(first, second).sum()
    assert shares.pop(("square", "circle")) > 0.16
    assert min(shares.values()) > 0.19


PINNED = {
    9: [1156, 1020, 812, 612, 440, 720, 510, 800, 746],
    15: [3364, 2828, 2272, 1740, 1218, 2000, 1414, 2256, 2102],
}


@pytest.mark.parametrize("extent", PINNED)
def test_masks_are_pinned(extent: int) -> None:
    """Sums of sample counts, which exact arithmetic gives on every machine."""
    covered = [int((s := object_sprite(name, extent)).fill[..., 0].sum() + s.outline[..., 0].sum())
               for name in CATEGORY_NAMES]  # fmt: skip
    assert covered == PINNED[extent]


def test_small_objects_are_plainly_smaller() -> None:
    assert max(SMALL_EXTENTS) + 4 <= min(LARGE_EXTENTS)


def test_a_crowd_fills_its_cell() -> None:
    for category in CATEGORY_NAMES:
        x0, y0, x1, y1 = crowd_sprite(category).box
        assert (x1 - x0) >= 13
        assert (y1 - y0) >= 14
