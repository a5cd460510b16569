"""Makes object counting (OC) questions from annotations."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from vistok.benchmark.annotations import AnnotatedImage, Origin
from vistok.benchmark.balance import cut_to_share, level_off, shuffled
from vistok.benchmark.questions import LARGEST_COUNT, Question, Rules, counting_question

LARGEST_SHARE = 0.25
_RELEASED_CATEGORIES = 3
_RELEASED_LEAST_OBJECTS: dict[Origin, int] = {"coco": 1, "vcr": 3}


def counting_questions(
    images: Sequence[AnnotatedImage], *, origin: Origin, rules: Rules, questions: int, seed: int
) -> tuple[Question, ...]:
    """Returns at most `questions` OC questions, drawn with `seed`.

    Released rules (inferred from the released files): the three most frequent categories of an image, ties
    in order of annotation; crowds counted as one object; counts above 9 left out; VCR images of at least
    three objects, as often as the list repeats them, so that questions repeat; then a random draw.

    Corrected rules: a category of an image at most once, and not where a region of it is a crowd, because
    its count is then unknown; for each object, counts 1 to 9 as equally frequent as the annotations allow,
    and none with more than a quarter of the object's questions, so that neither a constant answer nor the
    object's name scores above 25 %. Fewer questions than asked for may be the result, by up to three even
    where the annotations allow more.

    Differ: the images whose categories all differ in count, none of them a crowd or above 9, drawn whole: each is asked
    about all its categories, two or more, so that who counts groups without naming them is right for one of them.
    """
    random = np.random.default_rng(seed)
    if rules == "released":
        pool = [(image, name) for image in images for name in _released_categories(image, origin)]
        chosen = shuffled(pool, random)[:questions]
    elif rules == "differ":
        chosen = _differing(
            shuffled(list({image.image_id: image for image in images}.values()), random), questions
        )
    else:
        cells: dict[tuple[str, int], list[tuple[AnnotatedImage, str]]] = defaultdict(list)
        for image, name in _countable(images):
            cells[name, image.counts[name]].append((image, name))
        cut = cut_to_share(cells, LARGEST_SHARE, random)
        chosen = shuffled(level_off(cut, questions, random, largest_share=LARGEST_SHARE), random)
    return tuple(counting_question(image, name, rules, origin) for image, name in chosen)


def _differing(images: Iterable[AnnotatedImage], questions: int) -> list[tuple[AnnotatedImage, str]]:
    chosen: list[tuple[AnnotatedImage, str]] = []
    for image in images:
        counts = image.counts.values()
        distinct = len({*counts}) == len(counts) > 1 and max(counts) <= LARGEST_COUNT
        if distinct and not image.crowds and len(chosen) + len(counts) <= questions:
            chosen += [(image, name) for name in image.counts]
    return chosen


def _released_categories(image: AnnotatedImage, origin: Origin) -> list[str]:
    if image.objects < _RELEASED_LEAST_OBJECTS[origin]:
        return []
    frequent = Counter(image.counts).most_common(_RELEASED_CATEGORIES)
    return [name for name, count in frequent if count <= LARGEST_COUNT]


def _countable(images: Iterable[AnnotatedImage]) -> list[tuple[AnnotatedImage, str]]:
    once = {image.image_id: image for image in images}.values()
    return [
        (image, name)
        for image in once
        for name, count in image.counts.items()
        if count <= LARGEST_COUNT and name not in image.crowds
    ]
