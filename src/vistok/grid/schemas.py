"""JSON schemas of the grid's files, exported for editors."""

from pathlib import Path
from typing import Any

from vistok.files import write_json
from vistok.grid.downloads import Download
from vistok.grid.entries import GRID
from vistok.grid.language_models import LanguageModel
from vistok.grid.recipes import Recipe
from vistok.grid.released_models import ReleasedModel
from vistok.grid.scale import Scale
from vistok.grid.tables import Table
from vistok.grid.tasks import Task
from vistok.grid.tokenizers import Tokenizer
from vistok.grid.value import Value

FOLDER = GRID / "schemas"
_ENTRIES: dict[str, type[Value]] = {
    "tokenizers": Tokenizer,
    "llms": LanguageModel,
    "recipes": Recipe,
    "tasks": Task,
    "tables": Table,
    "models": ReleasedModel,
    "downloads": Download,
}
_EXTENDING: tuple[type[Value], ...] = (Recipe, Scale)


def schemas() -> dict[str, dict[str, Any]]:
    """Returns the schema of each file by its name without suffix; `scale` is that of one scale's file."""
    return {name: _entries_of(kind) for name, kind in _ENTRIES.items()} | {"scale": _file_of(Scale)}


def export(root: Path) -> None:
    """Writes every schema below `root`."""
    for name, schema in schemas().items():
        write_json(root / FOLDER / f"{name}.json", schema)


def _file_of(kind: type[Value]) -> dict[str, Any]:
    """Returns the schema of an entry in YAML, where its id is the key or the file's name."""
    schema = kind.model_json_schema()
    del schema["properties"]["id"]
    schema["required"].remove("id")
    if kind in _EXTENDING:
        schema["properties"]["extends"] = {"type": "string"}
        schema = dict(_optional(schema))
    return schema


def _optional(schema: Any) -> Any:
    """Returns a schema that requires nothing: what extends another entry states only what differs."""
    if isinstance(schema, list):
        return [_optional(part) for part in schema]
    if isinstance(schema, dict):
        return {key: _optional(part) for key, part in schema.items() if key != "required"}
    return schema


def _entries_of(kind: type[Value]) -> dict[str, Any]:
    entry = _file_of(kind)
    definitions = entry.pop("$defs", {})
    return {"type": "object", "additionalProperties": entry, "$defs": definitions}
