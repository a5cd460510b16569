"""What a field of the grid decides, said beside its type: one that says nothing counts in every spec of its value."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Mark:
    """Says that a field does not decide all that is made of its value; stands in the field's `Annotated`."""

    meaning: str


LABEL: Final = Mark("words that tables print")
NOTE: Final = Mark("words that nothing prints: where a number comes from, what for")
MACHINE: Final = Mark("how large a job is, or where files are: no result depends on it")
SCORING: Final = Mark("decides scores and tables, no answer")
GATE: Final = Mark("decides whether a build stops, by its presence; tables print its words")
MADE: Final = Mark("counts where a scale makes the thing itself")
LOADED: Final = Mark("counts where the thing is loaded as it was published")


def mark_of(field: FieldInfo) -> Mark | None:
    """Returns what a field is marked as, if anything."""
    return next((entry for entry in field.metadata if isinstance(entry, Mark)), None)


def counted(value: BaseModel, *marks: Mark) -> dict[str, Any]:
    """Returns what counts of a value, as plain values: each field without a mark, or with one of `marks`.

    Its id is left out: that is the name of the entry, and in the names of the jobs.
    """
    return _chosen(value, (None, *marks))


def marked(value: BaseModel, *marks: Mark) -> dict[str, Any]:
    """Returns the fields of a value that have one of `marks`, as plain values."""
    return _chosen(value, marks)


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
