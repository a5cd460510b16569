"""The tables of ETT (arXiv 2505.10562v1), digit for digit, and related facts that are not in them."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from vistok.grid.ett import NUMBERS
from vistok.published.tables import PublishedTable, read_published

# Retrieval of an image per prompt, without generation: GenEval's README (djghosh13/geneval, b636c3c), row "CLIP
# retrieval (baseline)", by the columns of ETT's Table 3.
RETRIEVAL: Final[Mapping[str, float]] = MappingProxyType(
    {
        "Overall": 0.35,
        "Single Object": 0.89,
        "Two Objects": 0.22,
        "Counting": 0.37,
        "Colours": 0.62,
        "Position": 0.03,
        "Attribute": 0.00,
    }
)
# GenEval's prompts of each kind (arXiv 2310.11513), four images each.
PROMPTS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "Single Object": 80,
        "Two Objects": 99,
        "Counting": 80,
        "Colours": 94,
        "Position": 100,
        "Attribute": 100,
    }
)


def read_ett(folder: Path) -> dict[int, PublishedTable]:
    """Returns ETT's tables from `folder`, by number.

    Raises:
        VistokError: as `read_published` does.
    """
    return {number: read_published(folder, number) for number in NUMBERS}
