"""What a row has under a table's label columns, from the values that it names."""

from typing import Final, Literal, get_origin

from vistok.errors import unknown
from vistok.grid.entries import GRID
from vistok.grid.language_models import LanguageModel
from vistok.grid.recipes import Recipe
from vistok.grid.released_models import ReleasedModel
from vistok.grid.study import Study
from vistok.grid.tables import ReleasedRow, Row, Table
from vistok.grid.tokenizers import Tokenizer
from vistok.grid.value import Value

_PARTS: Final[dict[str, type[Value]]] = {
    "tokenizer": Tokenizer,
    "recipe": Recipe,
    "llm": LanguageModel,
    "model": ReleasedModel,
}
BLANK: Final = "-"


def labels_of(study: Study, table: Table, row: Row | ReleasedRow) -> tuple[str, ...]:
    """Returns a row's labels, one per label column of its table."""
    return tuple(_label(study, row, source) for source in table.labels.values())


def check_labels(table: Table) -> None:
    """Refuses a label that is taken from a field which is no text.

    Raises:
        VistokError: it names the field and those that are.
    """
    for source in filter(None, table.labels.values()):
        part, _, field = source.partition(".")
        legal = [name for name, about in _PARTS[part].model_fields.items() if _is_text(about.annotation)]
        if field not in legal:
            where = f"field of a {part} in {GRID / 'tables.yaml'}, entry {table.id!r}, labels"
            raise unknown(where, field, legal)


def _label(study: Study, row: Row | ReleasedRow, source: str | None) -> str:
    part, _, field = (source or "").partition(".")
    if isinstance(row, ReleasedRow) and part == "tokenizer" and field == "label":
        part = "model"  # it is one thing, and named by that
    name = getattr(row, part, None)
    if name is None:
        return BLANK
    of = {
        "tokenizer": study.tokenizer,
        "recipe": study.recipe,
        "llm": study.llm,
        "model": study.released_model,
    }[part]
    value = of(name)
    text = str(getattr(value, field))
    return text.capitalize() if _is_choice(_PARTS[part].model_fields[field].annotation) else text


def _is_text(annotation: object) -> bool:
    return annotation is str or _is_choice(annotation)


def _is_choice(annotation: object) -> bool:
    """Returns whether a field takes one of some fixed words, which a table prints with a capital."""
    return get_origin(annotation) is Literal
