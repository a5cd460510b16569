"""Questions about a scene whose answer is one word, spelt as VQAv2 spells them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vistok.world.captions import related_pairs
from vistok.world.catalog import BY_NAME, CATEGORY_NAMES, COLOR_NAMES
from vistok.world.draws import Draws
from vistok.world.scene import Group, Scene


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its one-word answer.

    Attributes:
        kind: what it asks for, a key of KINDS.
        question_type: the leading words, of VQAv2's list of question types.
    """

    kind: str
    question_type: str
    text: str
    answer: str


def ask_color(scene: Scene, draws: Draws) -> Question | None:
    group = draws.pick(scene.groups)
    start = "what color is the" if group.count == 1 else "what color are the"
    return Question("color", start, f"{start} {group_name(group)}?", group.color)


def ask_size(scene: Scene, draws: Draws) -> Question | None:
    group = draws.pick(scene.groups)
    verb = "is" if group.count == 1 else "are"
    return Question("size", "what", f"what size {verb} the {group_name(group)}?", group.size)


def ask_background(scene: Scene, draws: Draws) -> Question | None:
    return Question("background", "what is in the", "what is in the background?", scene.background)


def ask_object(scene: Scene, draws: Draws) -> Question | None:
    """Asks which object has a colour that only one group has."""
    colors = [group.color for group in scene.groups] + ([scene.crowd.color] if scene.crowd else [])
    alone = [group for group in scene.groups if colors.count(group.color) == 1]
    if not alone:
        return None
    group = draws.pick(alone)
    return Question("object", "which", f"which object is {group.color}?", BY_NAME[group.category].word)


def ask_count(scene: Scene, draws: Draws) -> Question | None:
    """Asks how many things have a colour; a crowd's colour is never asked about."""
    crowded = scene.crowd.color if scene.crowd else None
    colors = sorted({group.color for group in scene.groups} - {crowded})
    if not colors:
        return None
    color = draws.pick(colors)
    count = sum(group.count for group in scene.groups if group.color == color)
    return Question("count", "how many", f"how many {color} things are there?", str(count))


def ask_presence(scene: Scene, draws: Draws) -> Question | None:
    """Asks for a category in a colour; half are answered yes, half of the noes differ in colour only."""
    group = draws.pick(scene.groups)
    category, color, answer = group.category, group.color, "yes"
    if draws.chance(50):
        answer = "no"
        if draws.chance(50):
            color = draws.pick([name for name in COLOR_NAMES if name != group.color])
        else:
            category = draws.pick(absent_categories(scene))
    return Question("presence", "is there a", f"is there a {color} {category}?", answer)


def ask_relation(scene: Scene, draws: Draws) -> Question | None:
    """Asks what stands to a side of a group, where exactly one group does and no other comes near it."""
    if not (pairs := unambiguous_pairs(scene)):
        return None
    first, word, second = draws.pick(pairs)
    text = f"what is {word} the {group_name(second)}?"
    return Question("relation", "what is", text, BY_NAME[first.category].word)


def unambiguous_pairs(scene: Scene) -> list[tuple[Group, str, Group]]:
    """Returns the pairs of which the first is the only group on that side of the second; none if there is a crowd."""
    return [] if scene.crowd else [pair for pair in related_pairs(scene) if _only_one(scene, *pair)]


KINDS: dict[str, tuple[int, Callable[[Scene, Draws], Question | None]]] = {
    "color": (24, ask_color),
    "size": (11, ask_size),
    "background": (12, ask_background),
    "object": (16, ask_object),
    "count": (17, ask_count),
    "presence": (14, ask_presence),
    "relation": (44, ask_relation),
}
# What language models can read; their text gives no positions, and has no words for them.
TOLD = tuple(kind for kind in KINDS if kind != "relation")
_TRIES = 12


def sample_questions(
    scene: Scene, draws: Draws, count: int, kinds: tuple[str, ...] = tuple(KINDS)
) -> list[Question]:
    """Returns up to `count` different questions of `kinds`; fewer only where the scene has no more to ask.

    Presence is asked once at most, because dropping repeats would make "no" the likelier answer.
    """
    weights = [KINDS[kind][0] for kind in kinds]
    questions: dict[str, Question] = {}
    for _ in range(40 * count):
        if len(questions) == count:
            break
        kind = kinds[draws.weighted(weights)]
        if kind == "presence" and any(question.kind == kind for question in questions.values()):
            continue
        question = KINDS[kind][1](scene, draws)
        if question:
            questions.setdefault(question.text, question)
    return list(questions.values())


def balanced_questions(
    scenes: Sequence[Scene], draws: Draws, most: int, kinds: Sequence[str] = TOLD
) -> list[tuple[int, Question]]:
    """Returns at most `most` questions, each with its scene's position, that nobody can answer from their words.

    Each is asked about another scene too, where its answer is another, as VQAv2's are (Goyal et al. 2017); of the
    answers to one text, none is given more often than the median answer can be. Each kind has its share at most.
    """
    chosen: list[tuple[int, Question]] = []
    total = sum(KINDS[kind][0] for kind in kinds)
    for kind in kinds:
        room = most * KINDS[kind][0] // total
        candidates = [
            pair
            for position, scene in enumerate(scenes)
            for pair in _candidates(position, scene, kind, draws)
        ]
        for turn in draws.shuffled(_rounds(candidates, draws)):
            if len(turn) <= room:
                chosen += turn
                room -= len(turn)
    return sorted(chosen, key=lambda pair: pair[0])


def _candidates(position: int, scene: Scene, kind: str, draws: Draws) -> list[tuple[int, Question]]:
    """Returns different questions of a kind about one scene: nearly all that there are, but for presence."""
    drawn = (KINDS[kind][1](scene, draws) for _ in range(_TRIES))
    return [(position, question) for question in {each.text: each for each in drawn if each}.values()]


def _rounds(candidates: list[tuple[int, Question]], draws: Draws) -> list[list[tuple[int, Question]]]:
    """Parts questions into rounds: one text each, about as many scenes as it has answers left, two or more."""
    texts: dict[str, dict[str, list[tuple[int, Question]]]] = {}
    for position, question in candidates:
        texts.setdefault(question.text, {}).setdefault(question.answer, []).append((position, question))
    rounds = []
    for answers in texts.values():
        piles = [draws.shuffled(pile) for pile in answers.values()]
        median = sorted(map(len, piles), reverse=True)[len(piles) // 2] if len(piles) > 1 else 0
        rounds += [[pile[height] for pile in piles if len(pile) > height] for height in range(median)]
    return rounds


def group_name(group: Group) -> str:
    return group.category if group.count == 1 else BY_NAME[group.category].plural


def absent_categories(scene: Scene) -> list[str]:
    """Returns the categories that neither the groups nor the crowd show."""
    present = {group.category for group in scene.groups} | ({scene.crowd.category} if scene.crowd else set())
    return [name for name in CATEGORY_NAMES if name not in present]


def _only_one(scene: Scene, first: Group, word: str, second: Group) -> bool:
    """Whether no object outside `first` and `second` reaches to that side of `second`."""
    others = [
        placed
        for group in scene.groups
        if group is not first and group is not second
        for placed in group.objects
    ]
    rows, columns = [p.row for p in second.objects], [p.column for p in second.objects]
    inside = {
        "left of": [p.column < max(columns) for p in others],
        "right of": [p.column > min(columns) for p in others],
        "above": [p.row < max(rows) for p in others],
        "below": [p.row > min(rows) for p in others],
    }
    return not any(inside[word])
