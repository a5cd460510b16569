"""The shapes of the tensors in a weights file, read from its header alone."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from vistok.errors import VistokError

_LENGTH: Final = 8  # bytes that say how long the header is
_LONGEST: Final = 100_000_000  # bytes, as the format allows


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Returns the shape of every tensor of a .safetensors file, without reading a tensor.

    Raises:
        VistokError: the file is missing, truncated, or of another kind.
    """
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(_LENGTH), "little")
            header = json.loads(stream.read(length)) if 0 < length <= _LONGEST else None
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise VistokError(f"weights not found: {path}.") from error
    except (OSError, ValueError) as error:
        raise _broken(path, "it has no header") from error
    match header:
        case {**entries}:
            return _shapes(path, entries, size - _LENGTH - length)
    raise _broken(path, "it has no header")


def _shapes(path: Path, entries: Mapping[object, object], size: int) -> dict[str, tuple[int, ...]]:
    found, end = {}, 0
    for name, entry in entries.items():
        match entry:
            case {"shape": [*shape], "data_offsets": [int(), int() as last]}:
                found[str(name)] = tuple(int(side) for side in shape)
                end = max(end, last)
    if size != end:
        raise _broken(path, f"its header tells of {end:,} bytes of tensors, {size:,} are there")
    return found


def _broken(path: Path, what: str) -> VistokError:
    return VistokError(
        f"{path} is no whole .safetensors file: {what}. It may be truncated: fetch or make it again."
    )
