"""The blind row of generation: the image whose caption is nearest to a prompt, which draws nothing."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Int64


def nearest_captions(prompts: Sequence[str], captions: Sequence[str]) -> Int64[np.ndarray, " prompts"]:
    """Returns the position of each prompt's nearest caption, the first of several.

    Near is Dice's coefficient of words and pairs of neighbouring words, each as often as it occurs: of words alone "a
    ring left of a star" would be as near to its opposite.
    """
    from scipy.sparse import csr_array

    known: dict[tuple[object, ...], int] = {}
    listed = [[known.setdefault(part, len(known)) for part in _parts(text)] for text in (*captions, *prompts)]
    sizes = np.array([len(parts) for parts in listed])
    ends = np.concatenate([[0], np.cumsum(sizes)])
    columns = np.concatenate([np.array(parts, dtype=np.int64) for parts in listed])
    table = csr_array((np.ones(len(columns), dtype=np.int64), columns, ends), (len(listed), len(known)))
    theirs, asked = table[: len(captions)], table[len(captions) :]
    shared = (asked @ theirs.T).toarray()
    near = 2 * shared / (sizes[len(captions) :, None] + sizes[None, : len(captions)])
    return np.asarray(near.argmax(axis=1))


def _parts(text: str) -> Iterator[tuple[object, ...]]:
    """Yields each word and each pair of neighbouring words, with how often it came before."""
    words, before = text.split(), Counter[object]()
    for part in (*words, *pairwise(words)):
        yield part, before[part]
        before[part] += 1
