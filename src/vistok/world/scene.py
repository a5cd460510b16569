"""A scene: everything that decides an image of the world, as a frozen value."""

from dataclasses import dataclass
from typing import ClassVar

from vistok.world.catalog import CELL
from vistok.world.shapes import crowd_sprite, object_sprite

Box = tuple[int, int, int, int]
Signature = tuple[str, tuple[tuple[str, str, str, int], ...]]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one object stands: its cell (0..8, row by row), its window's corner, its extent and shade.

    Attributes:
        shade: brightness of this copy's colour, in 256ths.
    """

    cell: int
    x: int
    y: int
    extent: int
    shade: int

    @property
    def row(self) -> int:
        return self.cell // 3

    @property
    def column(self) -> int:
        return self.cell % 3


@dataclass(frozen=True, slots=True)
class Group:
    """Objects of one category, one colour and one size.

    A scene has one group a category; a labelled scene may have several, for each of its objects is one.
    """

    category: str
    color: str
    size: str
    objects: tuple[Placement, ...]

    @property
    def count(self) -> int:
        return len(self.objects)

    def boxes(self) -> tuple[Box, ...]:
        """Returns the tight (x0, y0, x1, y1) of each object, hidden parts included."""
        return tuple(
            _moved(object_sprite(self.category, placed.extent).box, placed.x, placed.y)
            for placed in self.objects
        )


@dataclass(frozen=True, slots=True)
class Crowd:
    """A cell packed with tiny copies of one category, which are never counted."""

    category: str
    color: str
    cell: int
    size: ClassVar[str] = "tiny"

    @property
    def x(self) -> int:
        return CELL * (self.cell % 3)

    @property
    def y(self) -> int:
        return CELL * (self.cell // 3)

    def box(self) -> Box:
        return _moved(crowd_sprite(self.category).box, self.x, self.y)


@dataclass(frozen=True, slots=True)
class Mark:
    """A little stroke or blob of no category."""

    kind: str
    shade: int
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Light:
    """How the picture is taken, in 64ths: brightness and saturation; noise in grey levels."""

    brightness: int
    saturation: int
    noise: int


@dataclass(frozen=True, slots=True)
class Scene:
    """One image: background, groups of at most nine objects together, and what surrounds them.

    Attributes:
        background: the one that fills more of the image than any other.
        seed: seeds the grounds of cells, the slope of the light, the texture and the noise.
    """

    background: str
    groups: tuple[Group, ...]
    crowd: Crowd | None
    marks: tuple[Mark, ...]
    light: Light
    seed: int

    @property
    def signature(self) -> Signature:
        """What two splits must not share: the background and each object's kind, colour, size and cell."""
        objects = (
            (group.category, group.color, group.size, placed.cell)
            for group in self.groups
            for placed in group.objects
        )
        return self.background, tuple(sorted(objects))


def _moved(box: Box, x: int, y: int) -> Box:
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def relation(group: Group, other: Group) -> str | None:
    """Returns where all of `group` stands, seen from all of `other`; None where that is not clear.

    Clear is one direction only: a group that is both left of and above the other has no relation.
    """
    words = [
        word
        for word, before, after in (
            ("left of", _columns(group), _columns(other)),
            ("right of", _columns(other), _columns(group)),
            ("above", _rows(group), _rows(other)),
            ("below", _rows(other), _rows(group)),
        )
        if max(before) < min(after)
    ]
    return words[0] if len(words) == 1 else None


def _columns(group: Group) -> list[int]:
    return [placed.column for placed in group.objects]


def _rows(group: Group) -> list[int]:
    return [placed.row for placed in group.objects]
