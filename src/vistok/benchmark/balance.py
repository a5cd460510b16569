"""Random draws that leave every cell of a benchmark as equally frequent as possible."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
Cell = tuple[str, int]


def shuffled(items: Sequence[T], random: np.random.Generator) -> list[T]:
    """Returns the items in a random order."""
    return [items[position] for position in random.permutation(len(items))]


def level_off(
    cells: Mapping[Cell, Sequence[T]], total: int, random: np.random.Generator, *, largest_share: float = 1.0
) -> list[T]:
    """Returns at most `total` items, taking from every cell (object, answer) one at a time until they suffice.

    Cells are thus used up to one common height, except those that are smaller. The last round adds one object
    after another, in random order, until there is no room; it skips an object if one of its answers would exceed
    `largest_share`. Cells cut by `cut_to_share` therefore keep that share at every height; a share of one in k
    may leave up to k - 1 items unfilled.
    """
    piles = [(name, shuffled(cells[name, answer], random)) for name, answer in sorted(cells)]
    chosen: list[T] = []
    before: Counter[str] = Counter()
    for height in range(max((len(pile) for _, pile in piles), default=0)):
        layer = shuffled([(name, pile[height]) for name, pile in piles if len(pile) > height], random)
        if len(chosen) + len(layer) > total:
            for name, items in _by_object(layer).items():
                fitting = items[: total - len(chosen)]
                if height + 1 <= largest_share * (before[name] + len(fitting)):
                    chosen += fitting
            break
        chosen += [item for _, item in layer]
        before.update(name for name, _ in layer)
    return chosen


def _by_object(layer: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    objects: defaultdict[str, list[T]] = defaultdict(list)
    for name, item in layer:
        objects[name].append(item)
    return objects


def cut_to_share(
    cells: Mapping[Cell, Sequence[T]], largest_share: float, random: np.random.Generator
) -> dict[Cell, list[T]]:
    """Returns the cells (object, answer), cut so that no answer has more than its share of an object.

    Each object's cells are cut to the greatest common height that keeps the share; an object with too few
    different answers for that is left out, because its name alone would tell the answer.
    """
    sizes: defaultdict[str, list[int]] = defaultdict(list)
    for (name, _), items in cells.items():
        sizes[name].append(len(items))
    heights = {name: _greatest_height(lengths, largest_share) for name, lengths in sizes.items()}
    return {key: shuffled(cells[key], random)[: heights[key[0]]] for key in sorted(cells) if heights[key[0]]}


def _greatest_height(sizes: Iterable[int], largest_share: float) -> int:
    """Returns the greatest h that is at most `largest_share` of the sum of min(size, h), or 0."""
    ordered = sorted(sizes)
    fitting = (
        h for h in range(ordered[-1], 0, -1) if h <= largest_share * sum(min(size, h) for size in ordered)
    )
    return next(fitting, 0)
