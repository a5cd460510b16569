"""Reads YAML into values; every error names the file, what was found and what is legal."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from vistok.errors import VistokError, unknown
from vistok.grid.fields import ID_PATTERN
from vistok.grid.value import Value
from vistok.reading import read_bytes

_LARGEST: Final = 100_000  # values in a grid file: the largest of the study has a hundredth
_LONGEST_NUMBER: Final = 400  # digits
# What PyYAML raises for text that does not fit its tag, as in `!!bool 7`, besides its own errors.
_INVALID: Final = (RecursionError, ValueError, AttributeError, KeyError, TypeError, IndexError)

V = TypeVar("V", bound=Value)
# The C loader, where available, is ten times faster.
_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_mapping(path: Path) -> dict[str, Any]:
    """Returns the mapping that a YAML file holds.

    Raises:
        VistokError: the file is missing, no YAML, no mapping, or names a key twice.
    """
    try:
        if not path.exists():
            raise VistokError(f"{path} is missing: start vistok in the root of its checkout.")
        value = _parse(read_bytes(path, what="grid file"))
    except (*_INVALID, yaml.YAMLError) as error:
        raise VistokError(f"{path} is not valid YAML: {_in_one_line(error)}. Fix it there.") from error
    return _mapping(value, str(path))


def read_entries(path: Path) -> dict[str, dict[str, Any]]:
    """Returns the entries of a grid file by their ids.

    Raises:
        VistokError: as in `read_mapping`, or an entry is not a mapping.
    """
    return {
        name: _mapping({} if entry is None else entry, f"{path}, entry {name!r}")
        for name, entry in read_mapping(path).items()
    }


def validated(kind: type[V], name: str, entry: Mapping[str, Any], where: str) -> V:
    """Returns an entry as a value with `name` as its id; `where` says where it is declared.

    Raises:
        VistokError: it is not a mapping, or a key or value is wrong.
    """
    _mapping(entry, where)
    try:
        if "id" in entry:
            raise VistokError(f"{where}:\n  {unknown('key', 'id', kind.model_fields.keys() - {'id'})}")
        return kind.model_validate({"id": name, **entry})
    except ValidationError as error:
        raise VistokError("\n  ".join([f"{where}:", *map(_explain, error.errors())])) from error


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Returns `below` with the keys of `above`, mappings merged key by key; one of another kind replaces it whole."""
    if "kind" in below and above.get("kind", below["kind"]) != below["kind"]:
        return dict(above)
    result = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if both else value
    return result


def _parse(text: bytes) -> Any:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _refuse_duplicate_keys(node, {})
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _refuse_duplicate_keys(node: yaml.Node, sizes: dict[int, int]) -> int:
    """Returns how many nodes a document has once its aliases are written out, each looked at once.

    YAML itself silently keeps the last of two equal keys, so a copied row would be lost.

    Args:
        node: the document, or a part of it.
        sizes: those of the parts that were seen, by identity; 0 while a part is being looked at.
    """
    if id(node) in sizes:
        if not sizes[id(node)]:
            raise yaml.MarkedYAMLError(problem="it holds itself", problem_mark=node.start_mark)
        return sizes[id(node)]
    sizes[id(node)] = 0
    size = 1
    if isinstance(node, yaml.SequenceNode):
        size += sum(_refuse_duplicate_keys(item, sizes) for item in node.value)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            wrong = (
                "a key is one text" if not isinstance(key, yaml.ScalarNode)
                else f"the key {key.value!r} stands twice" if key.value in seen else ""
            )  # fmt: skip
            if wrong:
                raise yaml.MarkedYAMLError(problem=wrong, problem_mark=key.start_mark)
            seen.add(key.value)
            size += _refuse_duplicate_keys(value, sizes)
    elif node.tag == "tag:yaml.org,2002:int" and len(node.value) > _LONGEST_NUMBER:
        raise yaml.MarkedYAMLError(problem="a number has hundreds of digits", problem_mark=node.start_mark)
    if size > _LARGEST:
        raise yaml.MarkedYAMLError(
            problem=f"with its aliases it has more than {_LARGEST:,} values", problem_mark=node.start_mark
        )
    sizes[id(node)] = size
    return size


def _in_one_line(error: Exception) -> str:
    """Returns what is wrong in one line; YAML's own texts have several."""
    return " ".join(str(error).split())


def _mapping(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        actual = type(value).__name__ if not isinstance(value, dict) else f"keys {[*value][:3]}"
        raise VistokError(f"{where}: a mapping from names to values is needed, found {actual}.")
    return value


def _explain(detail: ErrorDetails) -> str:
    """Returns one line on what is wrong with one part of an entry."""
    # In brackets: a mapping's key, and which of several types an entry was taken for.
    where = ".".join(str(key) for key in detail["loc"] if not str(key).startswith("["))
    value, context = detail["input"], detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return f"{where} is missing."
        case "unknown_key":
            return f"{where}: {detail['msg']}" if where else detail["msg"]
        case "union_tag_not_found":
            return f"{where}.kind is missing."
        case "union_tag_invalid":
            return str(
                unknown(f"{where}.kind", context["tag"], re.findall("'(.*?)'", context["expected_tags"]))
            )
        case "literal_error":
            return str(unknown(where, value, re.findall("'(.*?)'", context["expected"])))
        case "string_pattern_mismatch" if context["pattern"] == ID_PATTERN:
            return f"{where}: an id is lower-case letters and digits, joined by '-'; found {value!r}."
        case "value_error":
            return f"{where}: {context['error']}." if where else f"{context['error']}."
        case _:
            return f"{where}: {detail['msg']}, found {str(value)[:80]!r}."


def ancestry(kind: str, name: str, parent_of: Callable[[str], Any], where: Path) -> list[str]:
    """Returns what an entry is made from, the oldest first, and itself last."""
    line = [name]
    while (parent := parent_of(line[0])) is not None:
        if parent in line:
            circle = " from ".join(reversed([parent, *line[: line.index(parent) + 1]]))
            raise VistokError(
                f"{where}: {kind} {name!r} is made from itself: {circle}. Take one of these links out."
            )
        line.insert(0, parent)
    return line
