"""CIDEr-D of one caption for every image, for many such captions at once.

The same measure as pycocoevalcap's (n-grams up to 4, sigma 6, clipping, times 10; document frequencies of the
given references), turned around: scoring a caption costs only the references that share an n-gram with it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np

from vistok.evaluation.score.base import Values

_ORDERS = 4
_SIGMA = 6.0

_Ngram: TypeAlias = tuple[str, ...]


def constant_ciders(references: Sequence[Sequence[str]], captions: Sequence[str]) -> Values:
    """Returns each caption's mean CIDEr, in per cent, when it is given to every image.

    Args:
        references: each image's captions, at least one per image.
        captions: the candidates.
        Both are tokenised text, words apart by spaces.
    """
    index = _Index(references, {ngram for caption in captions for ngram in _ngrams(caption)})
    return np.array([index.mean_cider(caption) for caption in captions])


def _ngrams(text: str) -> Counter[_Ngram]:
    words = text.split()
    return Counter(
        tuple(words[start : start + order])
        for order in range(1, _ORDERS + 1)
        for start in range(len(words) - order + 1)
    )


class _Index:
    """For each wanted n-gram, the references that hold it and its weights there."""

    def __init__(self, references: Sequence[Sequence[str]], ngrams: set[_Ngram]) -> None:
        counted = [[_ngrams(caption) for caption in captions] for captions in references]
        images = Counter(ngram for captions in counted for ngram in set().union(*captions))
        self._rarest = float(np.log(len(references)))
        self._weights = {ngram: self._rarest - float(np.log(count)) for ngram, count in images.items()}
        flat = [caption for captions in counted for caption in captions]
        self._norms = np.array([self._norm(caption) for caption in flat])
        self._lengths = np.array([_bigrams(caption) for caption in flat])
        self._shares = np.repeat(
            [1.0 / (len(references) * len(captions)) for captions in counted],
            [len(captions) for captions in counted],
        )
        postings: dict[_Ngram, list[tuple[int, float]]] = {ngram: [] for ngram in ngrams}
        for position, caption in enumerate(flat):
            for ngram in caption.keys() & ngrams:
                postings[ngram].append((position, caption[ngram] * self._weights[ngram]))
        self._postings = {
            ngram: (np.array([row for row, _ in entries]), np.array([weight for _, weight in entries]))
            for ngram, entries in postings.items()
            if entries
        }

    def _norm(self, caption: Counter[_Ngram]) -> list[float]:
        squares = [0.0] * _ORDERS
        for ngram, count in caption.items():
            squares[len(ngram) - 1] += (count * self._weights.get(ngram, self._rarest)) ** 2
        return [square**0.5 for square in squares]

    def mean_cider(self, text: str) -> float:
        caption = _ngrams(text)
        dots = np.zeros_like(self._norms)
        for ngram, count in caption.items():
            if ngram in self._postings:
                positions, weights = self._postings[ngram]
                mine = count * self._weights[ngram]
                dots[positions, len(ngram) - 1] += np.minimum(mine, weights) * weights
        norms = self._norms * np.array(self._norm(caption))
        cosines = np.divide(dots, norms, out=np.zeros_like(dots), where=norms > 0)
        penalties = np.exp(-((_bigrams(caption) - self._lengths) ** 2) / (2 * _SIGMA**2))
        return 1000.0 * float(cosines.mean(axis=1) @ (penalties * self._shares))


def _bigrams(caption: Iterable[_Ngram]) -> int:
    # pycocoevalcap measures the length of a caption by its bigrams, one less than its words.
    return sum(count for ngram, count in Counter(caption).items() if len(ngram) == 2)
