"""Makes multi-class identification (MCI) questions from annotations."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from vistok.benchmark.annotations import AnnotatedImage, Origin
from vistok.benchmark.balance import level_off, shuffled
from vistok.benchmark.questions import Question, Rules, identification_question

_RELEASED_LEAST_OBJECTS: dict[Origin, int] = {"coco": 1, "vcr": 3}
Pair = tuple[AnnotatedImage, str]


def identification_questions(
    images: Sequence[AnnotatedImage],
    *,
    categories: Sequence[str],
    origin: Origin,
    rules: Rules,
    questions: int,
    seed: int,
) -> tuple[Question, ...]:
    """Returns at most `questions` MCI questions about `categories`, drawn with `seed`.

    Released rules (inferred from the released files): for every category of an image one absent category,
    drawn evenly from the rest of the vocabulary; then a random draw from all of these. Frequent objects are
    so asked about where they are, rare ones where they are not: the object alone tells the answer.

    Corrected rules: no question twice, and for each object as many "Yes." as "No."; objects are as equally
    frequent as the annotations allow.
    """
    random = np.random.default_rng(seed)
    if rules == "released":
        released = [pair for image in images for pair in _released_pairs(image, categories, origin, random)]
        chosen = shuffled(released, random)[:questions]
    else:
        pairs = level_off(_pairs(images, categories, random), questions // 2, random)
        chosen = shuffled([pair for both in pairs for pair in both], random)
    return tuple(identification_question(image, name, rules, origin) for image, name in chosen)


def _released_pairs(
    image: AnnotatedImage, categories: Sequence[str], origin: Origin, random: np.random.Generator
) -> list[Pair]:
    if image.objects < _RELEASED_LEAST_OBJECTS[origin]:
        return []
    absent = shuffled([name for name in categories if image.lacks(name)], random)
    return [(image, name) for name in (*image.counts, *absent[: len(image.counts)])]


def _pairs(
    images: Sequence[AnnotatedImage], categories: Sequence[str], random: np.random.Generator
) -> dict[tuple[str, int], list[tuple[Pair, Pair]]]:
    """Returns, for each object, pairs of a question with "Yes." and a question with "No."."""
    once = list({image.image_id: image for image in images}.values())
    pairs: dict[tuple[str, int], list[tuple[Pair, Pair]]] = defaultdict(list)
    for name in sorted(set(categories)):
        present = shuffled([image for image in once if name in image.counts], random)
        absent = shuffled([image for image in once if image.lacks(name)], random)
        pairs[name, 0] = [((yes, name), (no, name)) for yes, no in zip(present, absent, strict=False)]
    return pairs
