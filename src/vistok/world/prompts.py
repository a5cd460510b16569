"""Prompts for images, of GenEval's six kinds, with scenes that show them and scenes that nearly do.

Some combinations are held out: no scene for training has one, and half of the prompts ask for one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations, product
from typing import Final, Literal, get_args

from vistok.world.catalog import (
    BACKGROUND_NAMES,
    BY_NAME,
    CATEGORIES,
    CATEGORY_NAMES,
    COLOR_NAMES,
    NUMBER_WORDS,
)
from vistok.world.draws import Draws
from vistok.world.sampling import sample_scene
from vistok.world.scene import Group, Scene, relation

# GenEval's tags of its six kinds, in its order (evaluation_metadata.jsonl).
PromptKind = Literal["single_object", "two_object", "counting", "colors", "position", "color_attr"]
KINDS: Final[tuple[PromptKind, ...]] = get_args(PromptKind)
NUMBERS: Final = (2, 3, 4)  # those of GenEval
SIDES: Final = ("left of", "right of", "above", "below")
_OPPOSITE: Final = dict(zip(SIDES, ("right of", "left of", "below", "above"), strict=True))


@dataclass(frozen=True, slots=True)
class Named:
    """Objects of one category as a prompt names them; without `color`, of any colour."""

    category: str
    count: int = 1
    color: str | None = None

    @property
    def text(self) -> str:
        """As captions name them, such as "a red ring" or "three leaves"."""
        one = self.count == 1
        words = ["a" if one else NUMBER_WORDS[self.count], self.color or ""]
        return " ".join([*filter(None, words), self.category if one else BY_NAME[self.category].plural])


@dataclass(frozen=True, slots=True)
class Prompt:
    """What an image is to show: one kind of object or two; with `side`, the first to that side of the second."""

    kind: PromptKind
    objects: tuple[Named, ...]
    side: str | None = None
    background: str | None = None

    @property
    def text(self) -> str:
        """As a caption of the world would say it."""
        text = f" {self.side or 'and'} ".join(named.text for named in self.objects)
        return f"{text} on {self.background}" if self.background else text


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The held-out combinations: of a category and a colour, of a category and a number, and of two categories."""

    colors: frozenset[tuple[str, str]]
    numbers: frozenset[tuple[str, int]]
    pairs: frozenset[frozenset[str]]

    def among(self, objects: Iterable[Named | Group]) -> bool:
        """Returns whether objects that are shown together have a held-out combination."""
        listed = [*objects]
        pairs = (frozenset((one.category, other.category)) for one, other in combinations(listed, 2))
        return (
            any((each.category, each.color) in self.colors for each in listed)
            or any((each.category, each.count) in self.numbers for each in listed)
            or not self.pairs.isdisjoint(pairs)
        )


def sample_held_out(draws: Draws) -> HeldOut:
    """Draws a colour other than its own and a number for each category, and a fifth of the pairs of categories."""
    colors = [
        (one.name, draws.pick([name for name in COLOR_NAMES if name != one.color])) for one in CATEGORIES
    ]
    numbers = [(name, draws.pick(NUMBERS)) for name in CATEGORY_NAMES]
    pairs = [frozenset(pair) for pair in combinations(CATEGORY_NAMES, 2)]
    return HeldOut(
        frozenset(colors), frozenset(numbers), frozenset(draws.sample(pairs, round(len(pairs) / 5)))
    )


def sample_prompts(
    draws: Draws, kind: PromptKind, held_out: HeldOut, count: int, *, asks: bool
) -> list[Prompt]:
    """Returns distinct prompts of a kind; all of them if there are fewer than `count`.

    Args:
        asks: whether they ask for what is held out. Nothing is of one object alone: its prompts are the same either
            way.
    """
    prompts = [
        prompt for prompt in _all(kind) if kind == "single_object" or held_out.among(prompt.objects) == asks
    ]
    everywhere = [
        replace(prompt, background=name) for prompt in prompts for name in (None, *BACKGROUND_NAMES)
    ]
    return draws.sample(everywhere, min(count, len(everywhere)))


def _all(kind: PromptKind) -> Iterator[Prompt]:
    """Yields every prompt of a kind, without a background."""
    names = CATEGORY_NAMES
    match kind:
        case "single_object":
            yield from (Prompt(kind, (Named(name),)) for name in names)
        case "counting":
            yield from (Prompt(kind, (Named(name, count),)) for name, count in product(names, NUMBERS))
        case "colors":
            yield from (Prompt(kind, (Named(name, 1, color),)) for name, color in product(names, COLOR_NAMES))
        case "two_object":
            yield from (Prompt(kind, (Named(one), Named(other))) for one, other in permutations(names, 2))
        case "position":
            for (one, other), side in product(permutations(names, 2), SIDES):
                yield Prompt(kind, (Named(one), Named(other)), side)
        case "color_attr":
            for (one, other), colors in product(permutations(names, 2), permutations(COLOR_NAMES, 2)):
                yield Prompt(kind, (Named(one, 1, colors[0]), Named(other, 1, colors[1])))


def sample_pairs(draws: Draws, held_out: HeldOut, count: int) -> list[Scene]:
    """Returns scenes for training, like crawled pictures but in bright light: none has a held-out combination."""
    scenes: list[Scene] = []
    while len(scenes) < count:
        scene = sample_scene(draws, "coco", web=True)
        if scene.crowd is None and not held_out.among(scene.groups):
            scenes.append(scene)
    return scenes


def sample_showing(draws: Draws, prompt: Prompt) -> Scene:
    """Returns a scene that shows exactly what a prompt says, maybe among other objects, but no crowd."""
    while True:
        scene = sample_scene(draws, "coco", web=True, named=[named.category for named in prompt.objects])
        count = len(prompt.objects)
        groups = [_as_named(*pair) for pair in zip(scene.groups[:count], prompt.objects, strict=True)]
        enough = all(group.count == named.count for group, named in zip(groups, prompt.objects, strict=True))
        stands = prompt.side in (None, relation(groups[0], groups[-1]))
        if scene.crowd is None and enough and stands:
            background = prompt.background or scene.background
            return replace(scene, groups=(*groups, *scene.groups[count:]), background=background)


def _as_named(group: Group, named: Named) -> Group:
    """Returns a group with the number and the colour that a prompt names; with fewer where it has fewer."""
    return replace(group, objects=group.objects[: named.count], color=named.color or group.color)


def sample_near_miss(draws: Draws, prompt: Prompt) -> Scene:
    """Returns a scene that shows all of a prompt but for one thing, to tell a judge from one that always agrees."""
    while True:
        scene = sample_showing(draws, _missed(draws, prompt))
        absent = prompt.objects[-1].category
        if prompt.kind not in ("single_object", "two_object") or absent not in _categories(scene.groups):
            return scene


def _missed(draws: Draws, prompt: Prompt) -> Prompt:
    """Returns a prompt that says another category, number, colour or side, or each colour of the other object."""
    *others, last = prompt.objects
    match prompt.kind:
        case "single_object" | "two_object":
            rest = [name for name in CATEGORY_NAMES if name not in _categories(prompt.objects)]
            return replace(prompt, objects=(*others, replace(last, category=draws.pick(rest))))
        case "counting":
            return replace(prompt, objects=(replace(last, count=last.count + draws.pick((-1, 1))),))
        case "colors":
            rest = [name for name in COLOR_NAMES if name != last.color]
            return replace(prompt, objects=(replace(last, color=draws.pick(rest)),))
        case "position":
            return replace(prompt, side=_OPPOSITE[str(prompt.side)])
        case "color_attr":
            first = others[0]
            return replace(
                prompt, objects=(replace(first, color=last.color), replace(last, color=first.color))
            )


def _categories(objects: Sequence[Named | Group]) -> set[str]:
    return {each.category for each in objects}
