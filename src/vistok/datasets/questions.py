"""The training questions that one image can answer, drawn from its annotations."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from vistok.datasets.coco import ObjectAnnotation
from vistok.datasets.gvtbench import counting_question, identification_question
from vistok.datasets.preprocessing import Box
from vistok.datasets.rows import QuestionAnswer
from vistok.grid.values import TaskKind

MOST_COUNTED = 9
_SEEN = 0.5
# Categories of Open Images and Objects365 that nobody counts.
_UNCOUNTED = {
    "clothing",
    "footwear",
    "furniture",
    "food",
    "fast food",
    "seafood",
    "human hair",
    "cosmetics",
    "luggage and bags",
}
T = TypeVar("T")
Pairs = Iterator[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Turn:
    """One question about an image as the language model reads it, and the answer that it learns."""

    kind: TaskKind
    prompt: str
    answer: str


@dataclass(frozen=True, slots=True)
class Annotations:
    """What is known about one image, and the categories that its set annotates.

    Of the categories in `unsure` nothing is asked: objects of theirs are cut off.
    """

    captions: tuple[str, ...]
    objects: tuple[ObjectAnnotation, ...]
    questions: tuple[QuestionAnswer, ...]
    categories: tuple[str, ...]
    unsure: frozenset[str] = frozenset()


def within(known: Annotations, box: Box) -> Annotations:
    """Returns what is known of a part of an image: a box (left, top, right, bottom) of it, in pixels.

    Chosen: an object is in the part if half of its box is, and not in it if nothing is; a category with an object in
    between is not asked about. Captions and VQA questions are about the whole image, and stay.
    """
    shares = [_share_within(entry.box, box) for entry in known.objects]
    cut = {entry.category for entry, share in zip(known.objects, shares, strict=True) if 0 < share < _SEEN}
    objects = tuple(entry for entry, share in zip(known.objects, shares, strict=True) if share >= _SEEN)
    return replace(known, objects=objects, unsure=frozenset(cut))


def _share_within(found: tuple[float, float, float, float], box: Box) -> float:
    """Returns which share of an object's box (x, y, width, height) is in a part of its image."""
    x, y, width, height = found
    left, top, right, bottom = box
    across, down = min(x + width, right) - max(x, left), min(y + height, bottom) - max(y, top)
    if across < 0 or down < 0:
        return 0.0
    area = width * height
    return across * down / area if area else 1.0


def draw_turns(
    known: Annotations,
    turns: Mapping[TaskKind, int],
    prompts: Mapping[TaskKind, str],
    generator: np.random.Generator,
    *,
    most: int | None = None,
) -> tuple[Turn, ...]:
    """Returns up to `turns[kind]` questions of each kind in random order, `most` at most, no prompt twice.

    The prompt of captions is always the same, so there is at most one.
    """
    drawn: dict[str, Turn] = {}
    for kind, limit in sorted(turns.items()):
        pairs = _PAIRS[kind](known, limit, generator)
        for question, answer in pairs:
            prompt = prompts[kind].replace("{question}", question)
            drawn.setdefault(prompt, Turn(kind, prompt, answer))
    ordered = list(drawn.values())
    return tuple(ordered[place] for place in generator.permutation(len(ordered))[:most])


def _captions(known: Annotations, most: int, generator: np.random.Generator) -> Pairs:
    """Yields one caption, its white space tidied; the prompt asks without a question of its own."""
    texts = [" ".join(caption.split()) for caption in known.captions]
    for text in _some([text for text in texts if text], min(most, 1), generator):
        yield "", text


def _vqa(known: Annotations, most: int, generator: np.random.Generator) -> Pairs:
    by_text = {entry.question: entry for entry in known.questions}
    for entry in _some(tuple(by_text.values()), most, generator):
        yield entry.question, entry.answer


def _counting(known: Annotations, most: int, generator: np.random.Generator) -> Pairs:
    """Yields OC questions about categories with 1..9 objects and no crowd, which hides a number.

    Names are asked in small letters, as COCO and the benchmark write them: Objects365 and Open Images write "Person".
    """
    crowds = {entry.category for entry in known.objects if entry.crowd} | known.unsure
    counts = Counter(entry.category for entry in known.objects if entry.category not in crowds)
    countable = tuple(
        name for name in sorted(counts) if counts[name] <= MOST_COUNTED and name.lower() not in _UNCOUNTED
    )
    for name in _some(countable, most, generator):
        yield counting_question(_first_name(name)), str(counts[name])


def _identification(known: Annotations, most: int, generator: np.random.Generator) -> Pairs:
    """Yields MCI questions, each answer by a fair coin of its own.

    There are at most as many as the image has present categories, and absent ones, so that either answer
    is always left and an answer tells nothing about the next.
    """
    there = {entry.category for entry in known.objects}
    present = sorted(there - known.unsure)
    absent = tuple(name for name in known.categories if name not in there | known.unsure)
    number = min(most, len(present), len(absent))
    yes, no = _some(present, number, generator), _some(absent, number, generator)
    for exists in generator.random(number) < 0.5:
        name = next(yes if exists else no)
        yield identification_question(_first_name(name)), "Yes." if exists else "No."


def _first_name(category: str) -> str:
    """Returns the first of a category's names, in small letters.

    "Cabinet/shelf" is a cabinet; "Cutting/chopping Board", whose names share their end, a cutting board.
    """
    names = [name.split() for name in category.lower().split("/")]
    first, last = names[0], names[-1]
    shared = last[1:] if len(names) > 1 and len(first) == 1 else []
    return " ".join([*first, *shared])


_PAIRS: Mapping[TaskKind, Callable[[Annotations, int, np.random.Generator], Pairs]] = {
    "caption": _captions,
    "vqa": _vqa,
    "counting": _counting,
    "identification": _identification,
}


def _some(values: Sequence[T], most: int, generator: np.random.Generator) -> Iterator[T]:
    """Yields up to `most` different values in random order."""
    for place in generator.permutation(len(values))[:most]:
        yield values[place]
