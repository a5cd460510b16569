"""Attributes of an image or an object, such as colour, as annotation tools add them to COCO's and VCR's records."""

from collections.abc import Iterator
from typing import Any

Attributes = tuple[tuple[str, str], ...]


def attributes_of(value: object) -> Attributes:
    """Returns the words of an `attributes` object of a record, as (name, word) in order of the names; () without one.

    A list of words becomes (`name.0`, word) and so on. Anything else is ignored: tools keep
    data of their own there, and the official files have none.
    """
    return tuple(sorted(_words(value))) if isinstance(value, dict) else ()


def _words(attributes: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in attributes.items():
        match value:
            case str():
                yield name, value
            case [*words] if all(isinstance(word, str) for word in words):
                yield from ((f"{name}.{index}", word) for index, word in enumerate(words))
