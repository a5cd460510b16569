"""The concepts that texts name: a pool for regions without a label (RegionCLIP section 3.2: nouns of a corpus)."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from vistok.supervision.text import split

# Words between the phrases of a caption, or at its start, that name no things.
_WORDS: Final = """
a an the this that these those some many few several all no each every any other another both
zero one two three four five six seven eight nine ten
is are was were be being been has have had there it they he she its their his her
and or but nor with without of on in at to by for from as near next beside over under above below behind before
between among inside outside around across along into onto upon off up down left right front back top bottom
"""
_CLOSED: Final = frozenset(_WORDS.split())


def head_nouns(texts: Iterable[str], *, least: int = 2) -> list[str]:
    """Returns the last words of the phrases of captions, in alphabetical order: what they name, roughly.

    A phrase is a run of words between those of a closed class ("two small red rings on grass": rings, grass).
    Words that stand at an end less than `least` times are left.
    """
    counts = Counter(noun for text in texts for noun in _ends(split(text)))
    return sorted(noun for noun, count in counts.items() if count >= least)


def _ends(words: list[str]) -> Iterator[str]:
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if _is_open(word) and not _is_open(after):
            yield word


def _is_open(word: str) -> bool:
    return word.isalpha() and word not in _CLOSED
