"""Captions of a scene, in varied phrasing: most leave something out, as people do."""

from dataclasses import dataclass

from vistok.world.catalog import BY_NAME, CATEGORY_NAMES, NUMBER_WORDS
from vistok.world.draws import Draws
from vistok.world.scene import Group, Scene, relation

CAPTION_PROMPT = "what does the image describe?"
# With more plain captions, the likeliest caption of a scene names no colour, and only categories would matter.
PLAIN_PERCENT = 20


@dataclass(frozen=True, slots=True)
class Detail:
    """Which attributes a caption mentions."""

    color: bool
    size: bool
    count: bool
    background: bool


EVERYTHING = Detail(color=True, size=True, count=True, background=True)


def sample_captions(scene: Scene, draws: Draws, count: int) -> list[str]:
    """Returns `count` captions, drawn one by one: one in five leaves out colours."""
    return [sample_caption(scene, draws) for _ in range(count)]


def sample_caption(
    scene: Scene, draws: Draws, shown: Detail = EVERYTHING, *, sides: bool = True, plain: int = PLAIN_PERCENT
) -> str:
    """Returns one true caption.

    Args:
        shown: attributes that a caption may mention.
        sides: whether it may mention the positions of groups.
        plain: per cent of captions that leave out colours, whatever `shown` allows.
    """
    detail = _sample_detail(draws, shown, plain)
    if sides and draws.chance(25) and (pairs := related_pairs(scene)):
        first, word, second = draws.pick(pairs)
        text = f"{group_phrase(first, detail)} {word} {group_phrase(second, detail)}"
        return _on_background(text, scene, detail)
    groups = _ordered(scene, draws)
    if len(groups) > 2 and draws.chance(15):
        groups = groups[:2]
    phrases = [group_phrase(group, detail) for group in groups]
    if scene.crowd and shown == EVERYTHING and draws.chance(50):
        phrases.append(f"many {BY_NAME[scene.crowd.category].plural}")
    return _framed(" and ".join(phrases), scene, detail, draws, groups[0])


def group_phrase(group: Group, detail: Detail) -> str:
    """Returns e.g. "two small red rings", "a star", "some leaves"."""
    one = group.count == 1
    words = ["a"] if one else [NUMBER_WORDS[group.count] if detail.count else "some"]
    if detail.size:
        words.append(group.size)
    if detail.color:
        words.append(group.color)
    words.append(group.category if one else BY_NAME[group.category].plural)
    return " ".join(words)


def related_pairs(scene: Scene) -> list[tuple[Group, str, Group]]:
    """Returns every ordered pair of groups of which one clearly stands to a side of the other."""
    return [
        (group, word, other)
        for group in scene.groups
        for other in scene.groups
        if group is not other and (word := relation(group, other))
    ]


def _sample_detail(draws: Draws, shown: Detail, plain_percent: int) -> Detail:
    plain = draws.chance(plain_percent)
    return Detail(
        color=shown.color and not plain and draws.chance(85),
        size=shown.size and draws.chance(5),
        count=shown.count and draws.chance(80),
        background=shown.background and draws.chance(90),
    )


def _ordered(scene: Scene, draws: Draws) -> list[Group]:
    """Returns the groups, mostly the most numerous first."""
    if draws.chance(25):
        return draws.shuffled(scene.groups)
    return sorted(scene.groups, key=lambda group: (-group.count, CATEGORY_NAMES.index(group.category)))


def _framed(text: str, scene: Scene, detail: Detail, draws: Draws, first: Group) -> str:
    match draws.weighted((70, 20, 10)):
        case 1:
            verb = "is" if first.count == 1 else "are"
            return _on_background(f"there {verb} {text}", scene, detail)
        case 2 if detail.background:
            return f"{scene.background} with {text}"
    return _on_background(text, scene, detail)


def _on_background(text: str, scene: Scene, detail: Detail) -> str:
    return f"{text} on {scene.background}" if detail.background else text
