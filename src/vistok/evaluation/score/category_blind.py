"""How well one counts without recognising categories: viewers of an image's groups, fitted on annotations alone.

A group is all objects of one category in an image. The viewer of `numbers` sees how many objects and how many groups
there are; the viewer of `counts` sees each group's count, and not which group is which.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Final, NamedTuple

from vistok.evaluation.score.blind import FOLDS, folds_of

VIEWERS: Final = ("category-blind-numbers", "category-blind-counts")
Counts = tuple[int, ...]


class Asked(NamedTuple):
    """One question about the count of a group: the counts of all groups of its image, in order, and what is right."""

    counts: Counts
    answer: str
    image: Hashable


def questions_of(
    records: Sequence[tuple[Hashable, str]], groups: Mapping[Hashable, Sequence[int]]
) -> list[Asked]:
    """Returns questions (image, answer) with the counts of their images' groups; none of an image without groups."""
    return [Asked(tuple(sorted(groups.get(image, ()))), answer, image) for image, answer in records]


def viewers_answers(asked: Sequence[Asked], training: Sequence[Asked] | None) -> dict[str, list[str]]:
    """Returns what each viewer answers: what is right most often in images that look the same to it.

    Fitted on a training split, else on the other folds' images: a question's own answer never decides it. Of groups
    that it has not met, the viewer of counts says the one of their counts that is right most often, and the viewer of
    numbers what is right most often of all. Nothing where there are no other images to fit on.
    """
    if training is not None:
        return _fitted(training)(asked) if training else {}
    folds = min(FOLDS, len({question.image for question in asked}))
    if folds < 2:
        return {}
    fold = folds_of([question.image for question in asked], folds)
    answers = {name: [""] * len(asked) for name in VIEWERS}
    for held_out in range(folds):
        places = [place for place in range(len(asked)) if fold[place] == held_out]
        others = [question for place, question in enumerate(asked) if fold[place] != held_out]
        for name, given in _fitted(others)([asked[place] for place in places]).items():
            for place, answer in zip(places, given, strict=True):
                answers[name][place] = answer
    return answers


def _fitted(training: Sequence[Asked]) -> Callable[[Sequence[Asked]], dict[str, list[str]]]:
    whole = Counter(question.answer for question in training)
    seen: dict[str, defaultdict[Hashable, Counter[str]]] = {name: defaultdict(Counter) for name in VIEWERS}
    numbers, counts = VIEWERS
    for question in training:
        seen[numbers][_numbers(question.counts)][question.answer] += 1
        seen[counts][question.counts][question.answer] += 1

    def answered(asked: Sequence[Asked]) -> dict[str, list[str]]:
        by_numbers = [_likeliest(seen[numbers].get(_numbers(entry.counts), whole)) for entry in asked]
        by_counts = [
            _likeliest(seen[counts].get(entry.counts) or _among(entry.counts, whole)) for entry in asked
        ]
        return {numbers: by_numbers, counts: by_counts}

    return answered


def _numbers(counts: Counts) -> tuple[int, int]:
    return sum(counts), len(counts)


def _among(counts: Counts, whole: Counter[str]) -> Counter[str]:
    """Returns how often each of some counts is right, of all questions; of none, how often anything is."""
    return Counter({str(count): whole[str(count)] for count in counts}) or whole


def _likeliest(given: Mapping[str, int]) -> str:
    return min(given, key=lambda answer: (-given[answer], answer))
