"""Reads GenEval's prompts (Ghosh et al. 2023, arXiv 2310.11513): what a generated image has to show."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vistok.datasets.official import wrong_record
from vistok.reading import read_jsonl

# Its six kinds, by their tags, in its order.
KINDS: Final = ("single_object", "two_object", "counting", "colors", "position", "color_attr")
_POSITIONS: Final = ("left of", "right of", "above", "below")


@dataclass(frozen=True, slots=True)
class Requirement:
    """Objects of a category that an image has to show, or must not.

    Attributes:
        count: at least this many; of what must not be shown, this many or more are wrong.
        colour: of that many of them; None: any.
        side: the side on which they are of the objects of the entry `of`; None: any.
        of: the index of that entry.
    """

    category: str
    count: int
    colour: str | None = None
    side: str | None = None
    of: int = 0


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt, its kind, what an image of it must include, and what it must not."""

    kind: str
    text: str
    include: tuple[Requirement, ...]
    exclude: tuple[Requirement, ...] = ()


def read_prompts(path: Path) -> tuple[Prompt, ...]:
    """Returns the prompts of an `evaluation_metadata.jsonl`, in its order.

    Raises:
        VistokError: the file is missing or not JSON Lines, or a record lacks a field or is of no known kind.
    """
    rows = read_jsonl(path, what="GenEval's prompts")
    return tuple(_prompt(path, number, row) for number, row in enumerate(rows, start=1))


def _prompt(path: Path, number: int, row: dict[str, Any]) -> Prompt:
    where = f"record {number}"
    match row:
        case {"tag": str() as kind, "prompt": str() as text, "include": [_, *_] as include} if kind in KINDS:
            required = tuple(_requirement(path, where, entry) for entry in include)
            exclude = row.get("exclude", [])
            placed = all(entry.of < position for position, entry in enumerate(required) if entry.side)
            if placed and isinstance(exclude, list):
                return Prompt(
                    kind, text, required, tuple(_requirement(path, where, entry) for entry in exclude)
                )
    needed = (
        f"a tag ({', '.join(KINDS)}), a prompt, a list of what it includes, a position of an earlier entry at most, "
        "and of what it excludes, if anything, are"
    )
    raise wrong_record(path, where, needed, row)


def _requirement(path: Path, where: str, entry: Any) -> Requirement:
    match entry:
        case {"class": str() as category, "count": int() as count} if count > 0:
            colour = entry.get("color")
            match entry.get("position"):
                case None:
                    return Requirement(category, count, colour)
                case [str() as side, int() as of] if side in _POSITIONS and of >= 0:
                    return Requirement(category, count, colour, side, of)
    raise wrong_record(path, where, "a class, a count above 0 and a known position are", entry)
