"""Whether an image shows what a prompt asks for, by GenEval's rule, and the score of many images.

A judge classifies each cell of an image; the rule then compares labels. Shapes: G x G cells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from jaxtyping import Float, Int64

from vistok.datasets.geneval import Prompt, Requirement
from vistok.evaluation.statistics import LEAST_GROUPS

if TYPE_CHECKING:
    from vistok.probes.cell_net import Contents  # which needs torch: scoring starts without

Cells = Int64[np.ndarray, "G G"]
Scores = Float[np.ndarray, "prompts images"]
_LEVELS: Final = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Seen:
    """An object that the judge sees in an image: its category, colour and cell."""

    category: str
    colour: str
    row: int
    column: int


def seen_in(category: Cells, colour: Cells, contents: "Contents") -> list[Seen]:
    """Returns the objects of an image, row by row, from the judge's labels of its cells."""
    names, colours = ("", *contents.categories), ("", *contents.colours)
    occupied = zip(*np.nonzero(category > 0), strict=True)
    return [
        Seen(names[category[row, column]], colours[max(colour[row, column], 0)], int(row), int(column))
        for row, column in occupied
    ]


def shows(prompt: Prompt, objects: Sequence[Seen]) -> bool:
    """Returns whether an image with these objects shows what a prompt asks for.

    GenEval's rule (its evaluate_images.py): at least `count` of each, `count` of the colour, none of what is excluded.
    GenEval takes the `count` objects of which its detector is surest; here all of a category are taken, and a side
    holds if all objects of the one are on it of all objects of the other, in columns or rows of cells.
    """
    matches = [_of(required, objects) for required in prompt.include]
    return (
        all(len(each) >= required.count for required, each in zip(prompt.include, matches, strict=True))
        and all(map(_coloured, prompt.include, matches))
        and all(
            _stands(required.side, each, matches[required.of])
            for required, each in zip(prompt.include, matches, strict=True)
            if required.side
        )
        and all(len(_of(required, objects)) < required.count for required in prompt.exclude)
    )


def _of(required: Requirement, objects: Sequence[Seen]) -> list[Seen]:
    return [each for each in objects if each.category == required.category]


def _coloured(required: Requirement, matches: Sequence[Seen]) -> bool:
    return (
        required.colour is None or sum(each.colour == required.colour for each in matches) >= required.count
    )


def _stands(side: str, objects: Sequence[Seen], others: Sequence[Seen]) -> bool:
    upright = side in ("above", "below")
    own, other = ([each.row if upright else each.column for each in some] for some in (objects, others))
    return max(own) < min(other) if side in ("left of", "above") else min(own) > max(other)


@dataclass(frozen=True, slots=True)
class Score:
    """A mean in per cent, its 95 % interval over prompts (None for fewer than ten), and the number of prompts."""

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
