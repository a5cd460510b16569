"""The shapes of the tensors in a weights file, read from its header only."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from vistok.errors import VistokError

WEIGHTS: Final = "model.safetensors"  # in a checkpoint's folder
GGUF: Final = ".gguf"  # ends a file that holds a language model whole: tensors, configuration and tokenizer
_LENGTH: Final = 8  # bytes that say how long the header is
_LONGEST: Final = 100_000_000  # bytes, as the format allows


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Returns the shape of every tensor of a .safetensors file, without reading a tensor.

    Raises:
        VistokError: the file is missing, truncated, or of another kind.
    """
    header, start = _read(path)
    return _shapes(path, header, path.stat().st_size - start)


def read_metadata(path: Path) -> dict[str, str]:
    """Returns the metadata of a .safetensors file; nothing if it has no readable header."""
    try:
        metadata = _read(path)[0].get("__metadata__")
    except VistokError:
        return {}
    return {str(key): str(value) for key, value in metadata.items()} if isinstance(metadata, dict) else {}


def _read(path: Path) -> tuple[dict[str, Any], int]:
    """Returns the header of a file, and where its tensors start."""
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(_LENGTH), "little")
            header = json.loads(stream.read(length)) if 0 < length <= _LONGEST else None
    except FileNotFoundError as error:
        raise VistokError(f"weights not found: {path}.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise _broken(path, "it has no header") from error
    if not isinstance(header, dict):
        raise _broken(path, "it has no header")
    return header, _LENGTH + length


def _shapes(path: Path, entries: Mapping[str, Any], size: int) -> dict[str, tuple[int, ...]]:
    shapes, end = {}, 0
    for name, entry in entries.items():
        match entry:
            case {"shape": [*shape], "data_offsets": [int(), int() as last]}:
                if not all(isinstance(side, int) and side >= 0 and side is not True for side in shape):
                    raise _broken(path, f"the shape of {name!r} is {shape}")
                shapes[name] = tuple(shape)
                end = max(end, last)
    if size != end:
        raise _broken(path, f"its header tells of {end:,} bytes of tensors, {size:,} are there")
    return shapes


def _broken(path: Path, what: str) -> VistokError:
    return VistokError(
        f"{path} is not a whole .safetensors file: {what}. It may be truncated: fetch or make it again."
    )
