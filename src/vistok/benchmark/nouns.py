"""How a category is spelt in a question, and how to recover the category from a question."""

from collections.abc import Iterable

from vistok.datasets.gvtbench import plural as released_plural

# Plural as it stands, though the released files take it for a singular and ask about "ski".
_MENDED = {"skis": "skis"}


def plural(name: str) -> str:
    """Returns the plural of a category's name, one word or several: 'half moon' -> 'half moons'."""
    return _MENDED.get(name, released_plural(name))


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
