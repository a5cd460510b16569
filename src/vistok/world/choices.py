"""Four-way questions in eight of SEED-Bench's dimensions, whose text does not give the answer away.

A question and its four options are drawn first, then a scene for each option, in which that one is right: four
images with one text between them. Whatever answers from the text alone is right about exactly one of the four.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from vistok.world.catalog import (
    BACKGROUND_NAMES,
    CATEGORIES,
    CATEGORY_NAMES,
    CELLS,
    COLOR_NAMES,
    Category,
)
from vistok.world.draws import Draws
from vistok.world.grounds import cell_backgrounds
from vistok.world.questions import unambiguous_pairs
from vistok.world.sampling import sample_scene
from vistok.world.scene import Group, Scene, Signature

OPTIONS = 4
SIDES = ("left of", "right of", "above", "below")
# Things of one colour that must be added up: more of them are too rare to be drawn.
_SUMS = tuple(map(str, range(2, 8)))
_BY_WORD = {category.word: category for category in CATEGORIES}
_SHARED_COLORS = tuple(
    color for color in COLOR_NAMES if sum(category.color == color for category in CATEGORIES) > 1
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A question before there is an image.

    Attributes:
        right: whether an option is the one that is true of a scene.
        shows: the categories that a scene has for an option to be right, as far as they are known.
        flat: whether the count of the first of them is drawn evenly.
    """

    text: str
    options: tuple[str, ...]
    right: Callable[[Scene, str], bool]
    shows: Callable[[str], tuple[str, ...]] = lambda option: ()
    flat: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A question about one scene: `answer` is the position of the option that is right."""

    dimension: int
    text: str
    options: tuple[str, ...]
    answer: int
    scene: Scene


def draft_scene(draws: Draws) -> Draft:
    options = tuple(draws.sample(BACKGROUND_NAMES, OPTIONS))
    return Draft("what is in the background?", options, lambda scene, option: scene.background == option)


def draft_identity(draws: Draws) -> Draft:
    """Asks which object has a colour that only one group has."""
    color, options = draws.pick(COLOR_NAMES), _words(draws)

    def right(scene: Scene, option: str) -> bool:
        matching = [
            shown.category for shown in (*scene.groups, scene.crowd) if shown and shown.color == color
        ]
        return matching == [_BY_WORD[option].name]

    return Draft(f"which object is {color}?", options, right, lambda option: (_BY_WORD[option].name,))


def draft_attributes(draws: Draws) -> Draft:
    category, plural = draws.pick(CATEGORIES), draws.chance(50)

    def right(scene: Scene, option: str) -> bool:
        group = _group(scene, category.name)
        return (group.count > 1) == plural and group.color == option

    text = f"what color {'are' if plural else 'is'} the {_name(category, plural)}?"
    options = tuple(draws.sample(COLOR_NAMES, OPTIONS))
    return Draft(text, options, right, lambda option: (category.name,))


def draft_location(draws: Draws) -> Draft:
    """Asks on what ground an object stands that is the only one of its category, and not on the background's own."""
    category = draws.pick(CATEGORY_NAMES)

    def right(scene: Scene, option: str) -> bool:
        group = _group(scene, category)
        if group.count > 1 or scene.background == option:
            return False
        return cell_backgrounds(scene)[group.objects[0].cell] == option

    options = tuple(draws.sample(BACKGROUND_NAMES, OPTIONS))
    return Draft(f"what is the {category} on?", options, right, lambda option: (category,))


def draft_counting(draws: Draws) -> Draft:
    category = draws.pick(CATEGORIES)
    options = tuple(str(1 + count) for count in draws.sample(range(CELLS), OPTIONS))
    return Draft(
        f"How many {category.plural} are there in the image?",
        options,
        lambda scene, option: _group(scene, category.name).count == int(option),
        lambda option: (category.name,),
        flat=True,
    )


def draft_relation(draws: Draws) -> Draft:
    """Asks what stands to a side of a group, in scenes that show another option elsewhere."""
    second, side, plural = draws.pick(CATEGORIES), draws.pick(SIDES), draws.chance(50)
    options = _words(draws, without=second.word)

    def right(scene: Scene, option: str) -> bool:
        target = (_BY_WORD[option].name, side, second.name, plural)
        pairs = unambiguous_pairs(scene)
        return target in [(one.category, word, two.category, two.count > 1) for one, word, two in pairs]

    text = f"what is {side} the {_name(second, plural)}?"
    return Draft(text, options, right, lambda option: _shown(second, options, option))


def draft_interaction(draws: Draws) -> Draft:
    """Asks which object stands next to one, in scenes that show another option elsewhere: still things only meet."""
    subject, plural = draws.pick(CATEGORIES), draws.chance(50)
    options = _words(draws, without=subject.word)

    def right(scene: Scene, option: str) -> bool:
        group = _group(scene, subject.name)
        alone = not scene.crowd and (group.count > 1) == plural
        return alone and _neighbours(scene, group) == {_BY_WORD[option].name}

    text = f"what is next to the {_name(subject, plural)}?"
    return Draft(text, options, right, lambda option: _shown(subject, options, option))


def draft_reasoning(draws: Draws) -> Draft:
    """Asks how many things have a colour that several categories have: their counts are to be added up."""
    color = draws.pick(_SHARED_COLORS)
    shown = tuple(category.name for category in CATEGORIES if category.color == color)

    def right(scene: Scene, option: str) -> bool:
        counts = [group.count for group in scene.groups if group.color == color]
        crowded = scene.crowd is not None and scene.crowd.color == color
        return len(counts) > 1 and sum(counts) == int(option) and not crowded

    options = tuple(draws.sample(_SUMS, OPTIONS))
    return Draft(f"how many {color} things are there?", options, right, lambda option: shown)


# By the official number, with its name; of the nine dimensions of still images, the world has no text to understand.
DIMENSIONS: dict[int, tuple[str, Callable[[Draws], Draft]]] = {
    1: ("Scene Understanding", draft_scene),
    2: ("Instance Identity", draft_identity),
    3: ("Instance Attributes", draft_attributes),
    4: ("Instance Location", draft_location),
    5: ("Instances Counting", draft_counting),
    6: ("Spatial Relation", draft_relation),
    7: ("Instance Interaction", draft_interaction),
    8: ("Visual Reasoning", draft_reasoning),
}
SMALLEST = OPTIONS * len(DIMENSIONS)


def sample_choices(draws: Draws, count: int, seen: Collection[Signature]) -> list[Choice]:
    """Returns `count` questions, as many of each dimension and option; none is about a scene among `seen`."""
    return [
        Choice(dimension, draft.text, draft.options, answer, _scene(draws, draft, option, seen))
        for dimension, (_, drafted) in DIMENSIONS.items()
        for draft in (drafted(draws) for _ in range(count // SMALLEST))
        for answer, option in enumerate(draft.options)
    ]


def _scene(draws: Draws, draft: Draft, option: str, seen: Collection[Signature]) -> Scene:
    while True:
        scene = sample_scene(draws, "varied", flat=draft.flat, named=draft.shows(option))
        if draft.right(scene, option) and scene.signature not in seen:
            return scene


def _words(draws: Draws, without: str = "") -> tuple[str, ...]:
    return tuple(draws.sample([word for word in _BY_WORD if word != without], OPTIONS))


def _name(category: Category, plural: bool) -> str:
    return category.plural if plural else category.name


def _shown(subject: Category, options: tuple[str, ...], option: str) -> tuple[str, ...]:
    """Returns what is asked about, what is right, and the next option, which is shown and wrong."""
    following = options[(options.index(option) + 1) % OPTIONS]
    return subject.name, _BY_WORD[option].name, _BY_WORD[following].name


def _group(scene: Scene, category: str) -> Group:
    return next(group for group in scene.groups if group.category == category)


def _neighbours(scene: Scene, group: Group) -> set[str]:
    """Returns the categories with an object beside, above or below one of the group's."""
    return {
        other.category
        for other in scene.groups
        if other is not group
        for one in group.objects
        for two in other.objects
        if abs(one.row - two.row) + abs(one.column - two.column) == 1
    }
