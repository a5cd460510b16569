"""Text-only corpora for the language model: a scene in words takes the place of the visual tokens."""

from dataclasses import dataclass, replace

import numpy as np

from vistok.world.captions import CAPTION_PROMPT, Detail, sample_caption
from vistok.world.catalog import BY_NAME
from vistok.world.draws import Draws
from vistok.world.questions import absent_categories, sample_questions
from vistok.world.sampling import sample_scene
from vistok.world.scene import Group, Scene

Turn = tuple[str, str]
Conversation = list[Turn]

COPY_MARKER = "copy"
INVENTORY_MARKER = "inventory"
# Copies, inventories, captions: lookups are learnt from inventories, which object has which colour from captions.
_DOCUMENT_WEIGHTS = (18, 52, 30)
_FLAT_PERCENT = 60
_COMPACT_PERCENT = 10


@dataclass(frozen=True, slots=True)
class WrittenScene:
    """A scene and its words, one entry per object or background."""

    scene: Scene
    shown: Detail
    entries: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"<Img> {' '.join(self.entries)} </Img>"


def pretraining_documents(rng: np.random.Generator, count: int) -> list[str]:
    """Returns documents that teach looking things up in the prefix: one line each.

    Each opens with a scene in words; then follows a copy of it, an inventory (each category's number), or a
    caption.
    """
    draws = Draws(rng)
    return [_document(draws) for _ in range(count)]


def instruction_conversations(rng: np.random.Generator, count: int) -> list[Conversation]:
    """Returns conversations of (prompt, answer) turns; the first prompt opens with the scene in words.

    Each has two counting, two identification and up to two VQA questions and a caption, in random order, in
    the very prompts of the evaluation (GVT's released code); a scene of one category has one counting
    question, and VQA asks only for what the words tell.
    """
    draws = Draws(rng)
    return [_conversation(draws) for _ in range(count)]


def oc_turn(group: Group, *, compact: bool = False) -> Turn:
    """Returns GVTBench's counting question; `compact` spells the name without spaces, as for VCR."""
    category = BY_NAME[group.category]
    name = category.compact_plural if compact else category.plural
    return f"How many {name} are there in the image?", str(group.count)


def mci_turn(category: str, *, present: bool, compact: bool = False) -> Turn:
    """Returns GVTBench's identification question."""
    name = BY_NAME[category].compact if compact else category
    return f"Does {name} exist in the image?", "Yes." if present else "No."


def _document(draws: Draws) -> str:
    written = _written(draws, _sample_shown(draws))
    match draws.weighted(_DOCUMENT_WEIGHTS):
        case 0:
            return f"{written.text} {COPY_MARKER} {' '.join(written.entries)}"
        case 1:
            return f"{written.text} {INVENTORY_MARKER} {_inventory(written, draws)}"
    return f"{written.text} {sample_caption(written.scene, draws, written.shown, sides=False)}"


def _inventory(written: WrittenScene, draws: Draws) -> str:
    """Returns "<category> <number>" of every category in a new order, 0 for those that are not there."""
    items = [f"{group.category} {group.count}" for group in written.scene.groups]
    return " ".join(draws.shuffled(items + [f"{name} 0" for name in absent_categories(written.scene)]))


def _sample_shown(draws: Draws) -> Detail:
    return Detail(color=draws.chance(50), size=draws.chance(20), count=True, background=draws.chance(75))


def _written(draws: Draws, shown: Detail) -> WrittenScene:
    # VCR's style has no crowds, which no words here stand for.
    scene = sample_scene(draws, "vcr", flat=draws.chance(_FLAT_PERCENT), typical=0)
    entries = [_object_words(group, shown) for group in scene.groups for _ in group.objects]
    if shown.background:
        entries.append(scene.background)
    return WrittenScene(scene, shown, tuple(draws.shuffled(entries)))


def _object_words(group: Group, shown: Detail) -> str:
    size = [group.size] if shown.size else []
    color = [group.color] if shown.color else []
    return " ".join([*size, *color, group.category])


def _conversation(draws: Draws) -> Conversation:
    shown = _sample_shown(draws)
    if not _answerable(shown):
        shown = replace(shown, background=True)
    written = _written(draws, shown)
    compact = draws.chance(_COMPACT_PERCENT)
    scene = written.scene
    counted = draws.sample(scene.groups, min(2, len(scene.groups)))
    turns = [oc_turn(group, compact=compact) for group in counted]
    turns += _identifications(scene, draws, compact)
    for question in sample_questions(scene, draws, 2, _answerable(shown)):
        turns.append((f"Question: {question.text} Answer:", question.answer))
    turns.append((CAPTION_PROMPT, sample_caption(scene, draws, shown, sides=False)))
    turns = draws.shuffled(turns)
    # No space: so the evaluation's prompt follows the image.
    return [(f"{written.text}{turns[0][0]}", turns[0][1]), *turns[1:]]


def _identifications(scene: Scene, draws: Draws, compact: bool) -> list[Turn]:
    """Returns two questions about different categories, of which each is as likely Yes as No."""
    shown = draws.shuffled([group.category for group in scene.groups])
    absent = draws.shuffled(absent_categories(scene))
    first = draws.chance(50)
    second = not first if len(shown) == 1 else draws.chance(50)
    return [
        mci_turn((shown if present else absent).pop(), present=present, compact=compact)
        for present in (first, second)
    ]


def _answerable(shown: Detail) -> tuple[str, ...]:
    """Returns the kinds of question that the words of a scene can answer; the positions of things are not included."""
    kinds = ["color", "object", "count", "presence"] if shown.color else []
    kinds += ["size"] if shown.size else []
    kinds += ["background"] if shown.background else []
    return tuple(kinds)
