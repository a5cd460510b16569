"""Whether an image shows what a prompt asks for, by GenEval's rule, and the score of many images.

Here a judge classifies each cell of an image (shapes: G x G cells), and the rule compares its labels;
`score.geneval` applies the rule to a detector's boxes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from vistok.datasets.geneval import Prompt, Requirement
from vistok.evaluation.statistics import LEAST_GROUPS

if TYPE_CHECKING:
    from vistok.probes.cell_net import Contents  # which needs torch: scoring starts without

Cells: TypeAlias = NDArray[np.int64]  # (G, G)
Scores: TypeAlias = NDArray[np.float64]  # (prompts, images)
_LEVELS: Final = (0.025, 0.975)


class Located(Protocol):
    """An object that is seen somewhere in an image."""

    @property
    def category(self) -> str: ...

    @property
    def colour(self) -> str | None: ...


L = TypeVar("L", bound=Located)


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

    GenEval takes the `count` objects of which its detector is surest; here all of a category are taken, and one is on
    a side of another in columns or rows of cells.
    """
    return next(faults(prompt, objects, _stands), None) is None


def faults(
    prompt: Prompt, objects: Sequence[L], stands: Callable[[str, L, L], bool], *, surest: bool = False
) -> Iterator[str]:
    """Yields what is wrong with an image of these objects, each in words; nothing if it shows what is asked for.

    GenEval's rule (its evaluate_images.py): at least `count` of each, `count` of the colour, all of them on the side
    of all of the other entry, none of what is excluded.

    Args:
        prompt: what is asked for.
        objects: all that are seen in the image, the surest first.
        stands: whether one object is on a side of another.
        surest: whether only the first `count` of a category are looked at, but for what is excluded.
    """
    groups = [_of(each, objects)[: each.count if surest else None] for each in prompt.include]
    for required, group in zip(prompt.include, groups, strict=True):
        category, count, side = required.category, required.count, required.side
        if len(group) < count:
            yield f"{category}: {count} needed, {len(group)} found"
        elif not _coloured(required, group):
            yield f"{category}: {required.colour} needed, {', '.join(str(each.colour) for each in group)} found"
        if side and not all(stands(side, each, other) for each in group for other in groups[required.of]):
            yield f"{category}: not {side} {prompt.include[required.of].category}"
    for required in prompt.exclude:
        if (count := len(_of(required, objects))) >= required.count:
            yield f"{required.category}: fewer than {required.count} needed, {count} found"


def _of(required: Requirement, objects: Sequence[L]) -> list[L]:
    return [each for each in objects if each.category == required.category]


def _coloured(required: Requirement, matches: Sequence[Located]) -> bool:
    return (
        required.colour is None or sum(each.colour == required.colour for each in matches) >= required.count
    )


def _stands(side: str, one: Seen, other: Seen) -> bool:
    upright = side in ("above", "below")
    own, its = (one.row, other.row) if upright else (one.column, other.column)
    return own < its if side in ("left of", "above") else own > its


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
    drawn: list[NDArray[np.float64]] = []
    for scores in kinds.values():
        each = 100.0 * scores.mean(axis=1)
        means.append(float(each.mean()))
        drawn.append(each[generator.integers(len(each), size=(resamples, len(each)))].mean(axis=1))
    prompts = sum(map(len, kinds.values()))
    low, high = (round(float(end), 4) for end in np.quantile(np.mean(drawn, axis=0), _LEVELS))
    enough = prompts >= LEAST_GROUPS
    return Score(round(float(np.mean(means)), 4), low if enough else None, high if enough else None, prompts)
