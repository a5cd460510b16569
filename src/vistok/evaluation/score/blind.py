"""Answers that never look at the image; scores are compared with theirs."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from vistok.errors import VistokError
from vistok.evaluation.score.cider import constant_ciders
from vistok.evaluation.score.ptb import tokenise

FOLDS = 5


def constant_answer(answers: Sequence[str]) -> str:
    """Returns the most frequent answer; among equals, the first in alphabetical order.

    Raises:
        VistokError: there are no answers.
    """
    if not answers:
        raise VistokError("a constant answer needs at least one answer to be fitted on, found none.")
    return _most_frequent(Counter(answers))


def _most_frequent(counts: Counter[str]) -> str:
    return min(counts, key=lambda answer: (-counts[answer], answer))


def fit_prior(keys: Sequence[str], answers: Sequence[str]) -> dict[str, str]:
    """Returns each key's most frequent answer; a key is what a blind guesser knows of a question.

    For OC and MCI it is the name of the object, for VQA the question's text or its type.
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for key, answer in zip(keys, answers, strict=True):
        counts[key][answer] += 1
    return {key: _most_frequent(by_answer) for key, by_answer in counts.items()}


def prior_answers(prior: Mapping[str, str], keys: Sequence[str], fallback: str) -> list[str]:
    """Returns the prior's answer to each key, and `fallback` to a key that it has not met."""
    return [prior.get(key, fallback) for key in keys]


def prior_answers_by_fold(
    keys: Sequence[str],
    answers: Sequence[str],
    images: Sequence[Hashable],
    *,
    folds: int = 5,
    seed: int = 0,
) -> list[str]:
    """Returns, for each question, the answer of a prior fitted on the questions of other folds' images.

    Raises:
        VistokError: there are fewer images than folds, or fewer than two folds.
    """
    fold = folds_of(images, folds, seed)
    guesses: list[str] = [""] * len(keys)
    for held_out in range(folds):
        others = [index for index in range(len(keys)) if fold[index] != held_out]
        prior = fit_prior([keys[index] for index in others], [answers[index] for index in others])
        fallback = constant_answer([answers[index] for index in others])
        for index in np.flatnonzero(fold == held_out).tolist():
            guesses[index] = prior.get(keys[index], fallback)
    return guesses


def folds_of(images: Sequence[Hashable], folds: int, seed: int = 0) -> NDArray[np.int64]:
    """Returns the fold of each question: that of its image.

    Raises:
        VistokError: there are fewer images than folds, or fewer than two folds.
    """
    distinct = list(dict.fromkeys(images))
    if not 2 <= folds <= len(distinct):
        raise VistokError(f"{folds} folds over {len(distinct)} images: 2 folds or more, no more than images.")
    order = np.random.default_rng(seed).permutation(len(distinct))
    of_image = {image: int(index) % folds for image, index in zip(distinct, order, strict=True)}
    return np.array([of_image[image] for image in images], dtype=np.int64)


def vqa_prior_answers(
    training: Sequence[tuple[str, str, str]], questions: Sequence[tuple[str, str]]
) -> list[str]:
    """Returns the answer that training gave most often to the same question, else to its type, else to any.

    Args:
        training: (question text, question type, answer) of each training question.
        questions: (question text, question type) of each question to answer.

    Raises:
        VistokError: there are no training questions.
    """
    texts, types, answers = zip(*training, strict=True) if training else ((), (), ())
    constant = constant_answer(answers)
    by_text, by_type = fit_prior(texts, answers), fit_prior(types, answers)
    return [by_text.get(text, by_type.get(kind, constant)) for text, kind in questions]


def constant_caption(
    captions_by_image: Mapping[int, Sequence[str]],
    *,
    candidates: int = 200,
    images: int = 5000,
    seed: int = 0,
    words: Mapping[str, str] | None = None,
) -> str:
    """Returns the training caption that scores the best CIDEr when every training image is given it.

    Args:
        captions_by_image: the training references; images without captions are passed over.
        candidates: how many distinct captions to try, drawn by the seed.
        images: how many images to score them on, drawn by the seed; their captions are the ones to try.
        seed: of the generator.
        words: what `tokenise` makes of each caption, where that is known.

    Raises:
        VistokError: no image has a caption.
    """
    described = sorted(image for image, captions in captions_by_image.items() if captions)
    if not described:
        raise VistokError("a constant caption needs at least one image with captions, found none.")
    generator = np.random.default_rng(seed)
    drawn = [described[index] for index in _sample(generator, len(described), images)]
    distinct = sorted({caption for image in drawn for caption in captions_by_image[image]})
    tried = [distinct[index] for index in _sample(generator, len(distinct), candidates)]
    words = words or _tokenised(captions_by_image[image] for image in drawn)
    references = [[words[caption] for caption in captions_by_image[image]] for image in drawn]
    return tried[int(np.argmax(constant_ciders(references, [words[caption] for caption in tried])))]


def _tokenised(captions: Iterable[Sequence[str]]) -> dict[str, str]:
    """Splits all captions in one process of Java, whose start takes longer."""
    distinct = tuple(dict.fromkeys(chain.from_iterable(captions)))
    return dict(zip(distinct, tokenise(distinct), strict=True))


def constant_captions_by_fold(
    captions_by_image: Mapping[int, Sequence[str]], *, folds: int = 5, seed: int = 0
) -> dict[int, str]:
    """Returns, for each image, the constant caption that is fitted on the other folds' images.

    Raises:
        VistokError: there are fewer images than folds, fewer than two folds, or no captions in the others.
    """
    images = list(captions_by_image)
    fold = dict(zip(images, folds_of(images, folds, seed).tolist(), strict=True))
    words = _tokenised(captions_by_image.values())
    fitted = [
        constant_caption(
            {image: texts for image, texts in captions_by_image.items() if fold[image] != held_out},
            words=words,
        )
        for held_out in range(folds)
    ]
    return {image: fitted[fold[image]] for image in images}


def _sample(generator: np.random.Generator, total: int, size: int) -> list[int]:
    return sorted(generator.permutation(total)[:size].tolist())


def fitted_by_fold(
    keys: Sequence[str], answers: Sequence[str], images: Sequence[Hashable]
) -> dict[str, list[str]]:
    """Returns the answers of `constant` and `prior`, fitted on other images' questions; none for a single image.

    Args:
        keys: what a blind guesser knows of each question.
        answers: what is right.
        images: the image of each question.
    """
    folds = min(FOLDS, len(set(images)))
    if folds < 2:
        return {}
    constant = prior_answers_by_fold([""] * len(keys), answers, images, folds=folds)
    return {"constant": constant, "prior": prior_answers_by_fold(keys, answers, images, folds=folds)}


def fitted_on_training(
    keys: Sequence[str], training_keys: Sequence[str], training_answers: Sequence[str]
) -> dict[str, list[str]]:
    """Returns the answers of `constant` and `prior` to questions with these keys, fitted on a training split."""
    constant = constant_answer(training_answers)
    prior = fit_prior(training_keys, training_answers)
    return {"constant": [constant] * len(keys), "prior": prior_answers(prior, keys, constant)}
