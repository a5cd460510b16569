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


class AnnotatedQuestion(NamedTuple):
    """One question about the count of a group: the counts of all groups of its image, in order, and what is right."""

    counts: Counts
    answer: str
    image: Hashable


def questions_of(
    records: Sequence[tuple[Hashable, str]], groups: Mapping[Hashable, Sequence[int]]
) -> list[AnnotatedQuestion]:
    """Returns questions (image, answer) with the counts of their images' groups; none of an image without groups."""
    return [
        AnnotatedQuestion(tuple(sorted(groups.get(image, ()))), answer, image) for image, answer in records
    ]


def viewers_answers(
    questions: Sequence[AnnotatedQuestion], training: Sequence[AnnotatedQuestion] | None
) -> dict[str, list[str]]:
    """Returns what each viewer answers: what is right most often in images that look the same to it.

    Fitted on a training split, else on the other folds' images: a question's own answer never decides it. Of groups
    that it has not met, the viewer of counts says the one of their counts that is right most often, and the viewer of
    numbers what is right most often of all. Nothing where there are no other images to fit on.
    """
    if training is not None:
        return _fitted(training)(questions) if training else {}
    folds = min(FOLDS, len({question.image for question in questions}))
    if folds < 2:
        return {}
    fold = folds_of([question.image for question in questions], folds)
    answers = {name: [""] * len(questions) for name in VIEWERS}
    for held_out in range(folds):
        indices = [index for index in range(len(questions)) if fold[index] == held_out]
        others = [question for index, question in enumerate(questions) if fold[index] != held_out]
        for name, own_answers in _fitted(others)([questions[index] for index in indices]).items():
            for index, answer in zip(indices, own_answers, strict=True):
                answers[name][index] = answer
    return answers


def _fitted(
    training: Sequence[AnnotatedQuestion],
) -> Callable[[Sequence[AnnotatedQuestion]], dict[str, list[str]]]:
    overall = Counter(question.answer for question in training)
    seen: dict[str, defaultdict[Hashable, Counter[str]]] = {name: defaultdict(Counter) for name in VIEWERS}
    numbers, counts = VIEWERS
    for question in training:
        seen[numbers][_numbers(question.counts)][question.answer] += 1
        seen[counts][question.counts][question.answer] += 1

    def answered(questions: Sequence[AnnotatedQuestion]) -> dict[str, list[str]]:
        by_numbers = [_likeliest(seen[numbers].get(_numbers(entry.counts), overall)) for entry in questions]
        by_counts = [
            _likeliest(seen[counts].get(entry.counts) or _among(entry.counts, overall)) for entry in questions
        ]
        return {numbers: by_numbers, counts: by_counts}

    return answered


def _numbers(counts: Counts) -> tuple[int, int]:
    return sum(counts), len(counts)


def _among(counts: Counts, overall: Counter[str]) -> Counter[str]:
    """Returns how often each of some counts is right, of all questions; of none, how often anything is."""
    return Counter({str(count): overall[str(count)] for count in counts}) or overall


def _likeliest(counts: Mapping[str, int]) -> str:
    return min(counts, key=lambda answer: (-counts[answer], answer))
