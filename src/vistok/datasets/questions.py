"""The training questions that one image can answer, drawn from its annotations."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from vistok.datasets.coco import ObjectAnnotation
from vistok.datasets.gvtbench import counting_question, identification_question
from vistok.datasets.rows import QuestionAnswer
from vistok.grid.values import TaskKind

MOST_COUNTED = 9
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
    """What is known about one image, and the categories that its set annotates."""

    captions: tuple[str, ...]
    objects: tuple[ObjectAnnotation, ...]
    questions: tuple[QuestionAnswer, ...]
    categories: tuple[str, ...]


def draw_turns(
    known: Annotations,
    turns: Mapping[TaskKind, int],
    prompts: Mapping[TaskKind, str],
    generator: np.random.Generator,
) -> tuple[Turn, ...]:
    """Returns up to `turns[kind]` questions of each kind in random order, no prompt twice.

    The prompt of captions is always the same, so there is at most one.
    """
    drawn: dict[str, Turn] = {}
    for kind, most in sorted(turns.items()):
        pairs = _PAIRS[kind](known, most, generator)
        for question, answer in pairs:
            prompt = prompts[kind].replace("{question}", question)
            drawn.setdefault(prompt, Turn(kind, prompt, answer))
    ordered = list(drawn.values())
    return tuple(ordered[place] for place in generator.permutation(len(ordered)))


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
    crowds = {entry.category for entry in known.objects if entry.crowd}
    counts = Counter(entry.category for entry in known.objects if entry.category not in crowds)
    countable = tuple(name for name in sorted(counts) if counts[name] <= MOST_COUNTED)
    for name in _some(countable, most, generator):
        yield counting_question(name.lower()), str(counts[name])


def _identification(known: Annotations, most: int, generator: np.random.Generator) -> Pairs:
    """Yields MCI questions, each answer by a fair coin of its own.

    There are at most as many as the image has present categories, and absent ones, so that either answer
    is always left and an answer tells nothing about the next.
    """
    there = {entry.category for entry in known.objects}
    present, absent = sorted(there), tuple(name for name in known.categories if name not in there)
    number = min(most, len(present), len(absent))
    yes, no = _some(present, number, generator), _some(absent, number, generator)
    for exists in generator.random(number) < 0.5:
        name = next(yes if exists else no)
        yield identification_question(name.lower()), "Yes." if exists else "No."


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
