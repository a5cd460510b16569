"""How a category's name stands in a question, and the way back from a question to the category."""

from collections.abc import Iterable

_IRREGULAR = {
    "child": "children",
    "calf": "calves",
    "fish": "fish",
    "foot": "feet",
    "goose": "geese",
    "half": "halves",
    "hoof": "hooves",
    "knife": "knives",
    "leaf": "leaves",
    "loaf": "loaves",
    "man": "men",
    "mouse": "mice",
    "person": "people",
    "potato": "potatoes",
    "sheep": "sheep",
    "shelf": "shelves",
    "tomato": "tomatoes",
    "tooth": "teeth",
    "wolf": "wolves",
    "woman": "women",
}
_ALREADY_PLURAL = frozenset(
    {"binoculars", "glasses", "jeans", "pants", "pliers", "scissors", "shorts", "skis"}
)
_RELEASED = {"skis": "ski"}


def plural(name: str) -> str:
    """Returns the plural of a category's name, one word or several: 'half moon' -> 'half moons'."""
    *before, head = name.split(" ")
    return " ".join([*before, _plural_word(head)])


def released_plural(name: str) -> str:
    """Returns the plural as the released files spell it: `plural`, but 'skis' -> 'ski'."""
    return _RELEASED.get(name, plural(name))


def spellings(categories: Iterable[str]) -> dict[str, str]:
    """Returns every spelling that a question may use -> its category.

    Singular and plural, as corrected and as released, with spaces (COCO) and without (VCR).
    """
    forms: dict[str, str] = {}
    for category in categories:
        for spelling in (category, plural(category), released_plural(category)):
            forms.setdefault(spelling, category)
            forms.setdefault(spelling.replace(" ", ""), category)
    return forms


def _plural_word(word: str) -> str:
    if word in _ALREADY_PLURAL:
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2:-1] not in set("aeiou"):
        return word[:-1] + "ies"
    return word + "s"
