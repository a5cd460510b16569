"""Whether an image shows what a prompt asks for, by GenEval's rule, and the score of many images.

A judge reads what is in each cell of an image; the rule is then a comparison of words. Shapes: G x G cells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from jaxtyping import Float, Int64

from vistok.datasets.geneval import Prompt, Wanted
from vistok.evaluation.statistics import LEAST_GROUPS

if TYPE_CHECKING:
    from vistok.probes.cell_net import Contents  # which needs torch: scoring starts without

Cells = Int64[np.ndarray, "G G"]
Scores = Float[np.ndarray, "prompts images"]
_LEVELS: Final = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Seen:
    """An object that is seen in an image: what it is, and its cell."""

    category: str
    colour: str
    row: int
    column: int


def seen_in(category: Cells, colour: Cells, contents: "Contents") -> list[Seen]:
    """Returns the objects of an image, row by row, from the numbers that a judge reads in its cells."""
    names, colours = ("", *contents.categories), ("", *contents.colours)
    places = zip(*np.nonzero(category > 0), strict=True)
    return [
        Seen(names[category[row, column]], colours[max(colour[row, column], 0)], int(row), int(column))
        for row, column in places
    ]


def shows(prompt: Prompt, objects: Sequence[Seen]) -> bool:
    """Returns whether an image with these objects shows what a prompt asks for.

    GenEval's rule (its evaluate_images.py): at least so many of each, so many of the colour, none of what is excluded.
    Where it takes the `count` objects that its detector is surest of, here all of a category count; and a side holds
    where all of one stand on it, seen from all of the other, in columns or rows of cells.
    """
    found = [_of(wanted, objects) for wanted in prompt.include]
    return (
        all(len(each) >= wanted.count for wanted, each in zip(prompt.include, found, strict=True))
        and all(map(_coloured, prompt.include, found))
        and all(
            _stands(wanted.side, each, found[wanted.of])
            for wanted, each in zip(prompt.include, found, strict=True)
            if wanted.side
        )
        and all(len(_of(wanted, objects)) < wanted.count for wanted in prompt.exclude)
    )


def _of(wanted: Wanted, objects: Sequence[Seen]) -> list[Seen]:
    return [each for each in objects if each.category == wanted.category]


def _coloured(wanted: Wanted, found: Sequence[Seen]) -> bool:
    return wanted.colour is None or sum(each.colour == wanted.colour for each in found) >= wanted.count


def _stands(side: str, found: Sequence[Seen], others: Sequence[Seen]) -> bool:
    upright = side in ("above", "below")
    here, there = ([each.row if upright else each.column for each in some] for some in (found, others))
    return max(here) < min(there) if side in ("left of", "above") else min(here) > max(there)


@dataclass(frozen=True, slots=True)
class Score:
    """A mean in per cent, its 95 % interval over prompts (None for fewer than ten), and how many prompts it is of."""

    value: float
    low: float | None
    high: float | None
    n: int


def score_of(kinds: Mapping[str, Scores], *, resamples: int, seed: int = 0) -> Score:
    """Returns the mean over kinds of the mean over prompts of the mean over a prompt's images, as GenEval's overall.

    The interval is of a bootstrap over the prompts of each kind.

    Args:
        kinds: for each kind 1 where an image shows its prompt, else 0; or differences of two such.
    """
    generator = np.random.default_rng(seed)
    means: list[float] = []
    drawn: list[Float[np.ndarray, " resamples"]] = []
    for scores in kinds.values():
        each = 100.0 * scores.mean(axis=1)
        means.append(float(each.mean()))
        drawn.append(each[generator.integers(len(each), size=(resamples, len(each)))].mean(axis=1))
    prompts = sum(map(len, kinds.values()))
    low, high = (round(float(end), 4) for end in np.quantile(np.mean(drawn, axis=0), _LEVELS))
    enough = prompts >= LEAST_GROUPS
    return Score(round(float(np.mean(means)), 4), low if enough else None, high if enough else None, prompts)
