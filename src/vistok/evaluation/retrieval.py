"""The blind row of generation: it draws nothing, and returns the image whose caption is nearest to a prompt."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Int64


def nearest_captions(prompts: Sequence[str], captions: Sequence[str]) -> Int64[np.ndarray, " prompts"]:
    """Returns the position of each prompt's nearest caption; of equals, the first.

    The measure is Dice's coefficient of the multisets of words and of pairs of neighbouring words: by words alone, "a
    ring left of a star" would be as near to its opposite.
    """
    from scipy.sparse import csr_array

    vocabulary: dict[tuple[object, ...], int] = {}
    listed = [
        [vocabulary.setdefault(term, len(vocabulary)) for term in _terms(text)]
        for text in (*captions, *prompts)
    ]
    sizes = np.array([len(terms) for terms in listed])
    ends = np.concatenate([[0], np.cumsum(sizes)])
    columns = np.concatenate([np.array(terms, dtype=np.int64) for terms in listed])
    table = csr_array((np.ones(len(columns), dtype=np.int64), columns, ends), (len(listed), len(vocabulary)))
    caption_counts, prompt_counts = table[: len(captions)], table[len(captions) :]
    shared = (prompt_counts @ caption_counts.T).toarray()
    near = 2 * shared / (sizes[len(captions) :, None] + sizes[None, : len(captions)])
    return np.asarray(near.argmax(axis=1))


def _terms(text: str) -> Iterator[tuple[object, ...]]:
    """Yields each word and each pair of neighbouring words, with the number of its earlier occurrences."""
    words, before = text.split(), Counter[object]()
    for term in (*words, *pairwise(words)):
        yield term, before[term]
        before[term] += 1
