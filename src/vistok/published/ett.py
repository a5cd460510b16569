"""The tables of ETT (arXiv 2505.10562v1), digit for digit, and related facts that are not in them."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from vistok.evaluation.score import geneval
from vistok.grid.ett import NUMBERS
from vistok.published.tables import PublishedTable, read_published

_KINDS: Final = ("Single Object", "Two Objects", "Counting", "Colours", "Position", "Attribute")
# GenEval's baseline and its prompts of each kind, four images each, by the columns of ETT's Table 3.
RETRIEVAL: Final[Mapping[str, float]] = MappingProxyType(
    dict(zip(("Overall", *_KINDS), geneval.RETRIEVAL.values(), strict=True))
)
PROMPTS: Final[Mapping[str, int]] = MappingProxyType(dict(zip(_KINDS, geneval.PROMPTS.values(), strict=True)))


def read_ett(folder: Path) -> dict[int, PublishedTable]:
    """Returns ETT's tables from `folder`, by number.

    Raises:
        VistokError: as `read_published` does.
    """
    return {number: read_published(folder, number) for number in NUMBERS}
