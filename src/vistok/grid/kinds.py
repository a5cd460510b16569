"""Which kinds there are of what the grid can vary: the files of one folder of the package."""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parents[1]


def kinds_in(folder: str) -> tuple[str, ...]:
    """Returns the ids of the kinds that a folder below the package holds, one per file; none is imported."""
    files = (_PACKAGE / folder).glob("[a-z]*.py")
    return tuple(sorted(file.stem.replace("_", "-") for file in files))


def module_of(folder: str, kind: str) -> str:
    """Returns the dotted name of the module of a kind."""
    return f"vistok.{folder.replace('/', '.')}.{kind.replace('-', '_')}"
