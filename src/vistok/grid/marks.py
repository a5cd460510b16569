"""Marks on the fields of the grid: what a field decides. A field without a mark counts in every spec of its value."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Mark:
    """Says that a field does not affect everything made from its value; goes into the field's `Annotated`."""

    meaning: str


LABEL: Final = Mark("words that tables print")
NOTE: Final = Mark("words that nothing prints: where a number comes from, what for")
MACHINE: Final = Mark("how large a job is, or where files are: no result depends on it")
SCORING: Final = Mark("decides scores and tables, no answer")
GATE: Final = Mark("decides whether a build stops, by its presence; tables print its words")
MADE: Final = Mark("counts where a scale makes the thing itself")
LOADED: Final = Mark("counts where the thing is loaded as it was published")
_ALL: Final = (None, LABEL, NOTE, MACHINE, SCORING, GATE, MADE, LOADED)


def mark_of(field: FieldInfo) -> Mark | None:
    """Returns a field's mark, if it has one."""
    return next((entry for entry in field.metadata if isinstance(entry, Mark)), None)


def counted(value: BaseModel, *marks: Mark) -> dict[str, Any]:
    """Returns the fields of a value that count, as plain values: those without a mark, or with one of `marks`.

    The id is left out: it is the name of the entry and part of the jobs' names.
    """
    return _chosen(value, (None, *marks))


def marked(value: BaseModel, *marks: Mark) -> dict[str, Any]:
    """Returns the fields of a value that have one of `marks`, as plain values; what is in them counts whole."""
    return {name: _plain(getattr(value, name), _ALL) for name in _names(type(value), marks)}


def _chosen(value: BaseModel, marks: tuple[Mark | None, ...]) -> dict[str, Any]:
    return {name: _plain(getattr(value, name), marks) for name in _names(type(value), marks)}


@cache
def _names(kind: type[BaseModel], marks: tuple[Mark | None, ...]) -> tuple[str, ...]:
    fields = kind.model_fields.items()
    return tuple(name for name, field in fields if name != "id" and mark_of(field) in marks)


def _plain(value: Any, marks: tuple[Mark | None, ...]) -> Any:
    match value:
        case BaseModel():
            return _chosen(value, marks)
        case dict():
            return {key: _plain(entry, marks) for key, entry in value.items()}
        case tuple() | list():
            return [_plain(entry, marks) for entry in value]
        case _:
            return value
