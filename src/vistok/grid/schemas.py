"""JSON schemas of the grid's files, exported for editors."""

from pathlib import Path
from typing import Any

from vistok.files import write_json
from vistok.grid.load import GRID
from vistok.grid.scale import Scale
from vistok.grid.values import LanguageModel, Recipe, Table, Task, Tokenizer, Value

FOLDER = GRID / "schemas"
_ENTRIES: dict[str, type[Value]] = {
    "tokenizers": Tokenizer,
    "llms": LanguageModel,
    "recipes": Recipe,
    "tasks": Task,
    "tables": Table,
}


def schemas() -> dict[str, dict[str, Any]]:
    """Returns the schema of each file by its name without suffix; `scale` is that of one scale's file."""
    return {name: _mapping_of(kind) for name, kind in _ENTRIES.items()} | {"scale": _without_id(Scale)}


def export(root: Path) -> None:
    """Writes every schema below `root`."""
    for name, schema in schemas().items():
        write_json(root / FOLDER / f"{name}.json", schema)


def _without_id(kind: type[Value]) -> dict[str, Any]:
    """Returns the schema of an entry as it stands in YAML, where its id is the key or the file's name."""
    schema = kind.model_json_schema()
    schema["properties"].pop("id", None)
    schema["required"] = [name for name in schema.get("required", []) if name != "id"]
    return schema


def _mapping_of(kind: type[Value]) -> dict[str, Any]:
    entry = _without_id(kind)
    definitions = entry.pop("$defs", {})
    if kind is Recipe:  # a recipe that extends another states only what differs
        entry["properties"]["extends"] = {"type": "string"}
        entry["required"] = []
    return {"type": "object", "additionalProperties": entry, "$defs": definitions}
