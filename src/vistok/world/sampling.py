"""Samples scenes: how many groups, of what, where, and in which light."""

from collections.abc import Callable, Sequence
from typing import Literal

from vistok.world.catalog import (
    BACKGROUND_NAMES,
    BY_NAME,
    CATEGORY_NAMES,
    CELL,
    CELLS,
    COLOR_NAMES,
    IMAGE_SIZE,
)
from vistok.world.draws import Draws
from vistok.world.scene import Crowd, Group, Light, Mark, Placement, Scene, Signature
from vistok.world.shapes import LARGE_EXTENTS, MARKS, SMALL_EXTENTS

Style = Literal["coco", "vcr", "varied"]

# Skewed as COCO's counts are, but no answer fills half of the questions.
_GROUP_WEIGHTS = (24, 36, 26, 14)
# Crawled pictures show fewer things, so that a picture shows what its text is about.
_WEB_GROUP_WEIGHTS = (45, 40, 10, 5)
_COUNT_WEIGHTS = (30, 24, 15, 10, 8, 6, 6, 6, 6)
_FLAT_WEIGHTS = (1,) * CELLS
_SMALL_PERCENT = 20
# Of groups, in their category's own colour; the others have any. A fire engine is mostly, but not always, red.
TYPICAL_PERCENT = 70
# A picture that is about one thing shows it large or often; a patch is a cell here, so often.
_LABELLED_LEAST = 4
# Of its objects behind the first. With nothing but one category in view, a masked patch is known from any other.
_OTHER_PERCENT = 15
_CROWD_PERCENT = 3
_STEPS = 16
# In pixels: neighbours touch or overlap by one; more makes more shapes than a small encoder learns in a minute.
_JITTER = 1


def sample_scene(
    draws: Draws,
    style: Style,
    *,
    flat: bool = False,
    web: bool = False,
    typical: int = TYPICAL_PERCENT,
    named: Sequence[str] = (),
) -> Scene:
    """Returns a scene with groups of different categories in random or in orderly cells.

    Args:
        flat: draws the first group's count evenly from 1..9, for text that teaches counting.
        web: has fewer groups, as a crawled picture has.
        typical: per cent of groups in their category's own colour; 0 for text in which no name tells a colour.
        named: the categories of its first groups, at most four; with `flat`, at most one.
    """
    counts = _sample_counts(draws, flat, _WEB_GROUP_WEIGHTS if web else _GROUP_WEIGHTS, len(named))
    others = [name for name in CATEGORY_NAMES if name not in named]
    categories = [*named, *draws.sample(others, len(counts) - len(named))]
    cells = draws.sample(range(CELLS), CELLS)
    used, free = _arranged(draws, cells[: sum(counts)]), cells[sum(counts) :]
    groups = []
    for category, count in zip(categories, counts, strict=True):
        size = "small" if draws.chance(_SMALL_PERCENT) else "large"
        mine, used = used[:count], used[count:]
        groups.append(_group(draws, category, size, mine, typical))
    crowd = None
    if style != "vcr" and free and draws.chance(_CROWD_PERCENT):
        rest = [name for name in CATEGORY_NAMES if name not in categories]
        crowd = Crowd(draws.pick(rest), draws.pick(COLOR_NAMES), free[0])
    return _finished(draws, style, groups, crowd)


def sample_labelled_scene(draws: Draws, label: str) -> Scene:
    """Returns a scene with 4-9 objects in any cells, each in a colour and size of its own, most of them the label's.

    The first is the label's always, the others now and then of any other category.
    """
    others = [name for name in CATEGORY_NAMES if name != label]
    groups: list[Group] = []
    for cell in draws.sample(range(CELLS), draws.between(_LABELLED_LEAST, CELLS)):
        category = draws.pick(others) if groups and draws.chance(_OTHER_PERCENT) else label
        size = "small" if draws.chance(_SMALL_PERCENT) else "large"
        groups.append(_group(draws, category, size, [cell], TYPICAL_PERCENT))
    return _finished(draws, "varied", groups, None)


def sample_until_new(sample: Callable[[], Scene], seen: frozenset[Signature]) -> Scene:
    """Returns the first sampled scene that is not among `seen`, so that splits share no scene."""
    while (scene := sample()).signature in seen:
        pass
    return scene


def _sample_counts(draws: Draws, flat: bool, weights: tuple[int, ...], least: int) -> list[int]:
    """Returns the counts of one to four groups, and of `least`, nine objects together at most."""
    if flat:
        first = 1 + draws.weighted(_FLAT_WEIGHTS)
        groups = min(1 + draws.weighted(weights), CELLS + 1 - first)
        counts = [first]
    else:
        groups = max(1 + draws.weighted(weights), least)
        counts = []
    while len(counts) < groups:
        room = CELLS - sum(counts) - (groups - len(counts) - 1)
        counts.append(1 + draws.weighted(_COUNT_WEIGHTS[:room]))
    return counts


def _arranged(draws: Draws, cells: list[int]) -> list[int]:
    """Orders the cells so that groups sometimes stand side by side or one above another."""
    match draws.weighted((60, 20, 20)):
        case 0:
            return cells
        case 1:
            return sorted(cells, key=lambda cell: cell % 3)
        case _:
            return sorted(cells, key=lambda cell: cell // 3)


def _group(draws: Draws, category: str, size: str, cells: list[int], typical: int) -> Group:
    extents = LARGE_EXTENTS if size == "large" else SMALL_EXTENTS
    own = typical and draws.chance(typical)  # no draw where nothing is typical
    color = BY_NAME[category].color if own else draws.pick(COLOR_NAMES)
    return Group(category, color, size, tuple(_placed(draws, cell, extents) for cell in cells))


def _placed(draws: Draws, cell: int, extents: tuple[int, ...]) -> Placement:
    extent = draws.pick(extents)
    margin = (CELL - extent) // 2
    corner = [
        min(max(CELL * position + margin + draws.between(-_JITTER, _JITTER), 0), IMAGE_SIZE - extent)
        for position in (cell % 3, cell // 3)
    ]
    return Placement(cell, corner[0], corner[1], extent, 212 + 4 * draws.below(12))


def _finished(draws: Draws, style: Style, groups: list[Group], crowd: Crowd | None) -> Scene:
    marks = tuple(_mark(draws) for _ in range(draws.weighted((60, 16, 14, 10))))
    background = draws.pick(BACKGROUND_NAMES)
    return Scene(background, tuple(groups), crowd, marks, _light(draws, style), draws.below(1 << 32))


def _mark(draws: Draws) -> Mark:
    return Mark(
        draws.pick(MARKS), draws.between(20, 110), draws.below(IMAGE_SIZE - 5), draws.below(IMAGE_SIZE - 5)
    )


def _light(draws: Draws, style: Style) -> Light:
    """Returns bright and clear light for "coco", dark, pale and noisy for "vcr", anything between else."""
    step = {"coco": 0, "vcr": _STEPS}.get(style)
    if step is None:
        step = draws.between(0, _STEPS)
    return Light(
        brightness=draws.between(_mixed(59, 35, step), _mixed(67, 45, step)),
        saturation=draws.between(_mixed(59, 32, step), _mixed(64, 44, step)),
        noise=draws.between(_mixed(6, 18, step), _mixed(12, 28, step)),
    )


def _mixed(clear: int, dark: int, step: int) -> int:
    return clear + (dark - clear) * step // _STEPS
