"""The kinds of everything that the grid can vary: the files of one folder of the package."""

from collections.abc import Iterable
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


TASK_KINDS: Final = "evaluation/kinds"
# What a job that only asks, or teaches, imports by way of a task kind and never runs.
SCORING: Final = module_of("evaluation", "score")


def task_kinds() -> tuple[str, ...]:
    """Returns the ids of all task kinds, in alphabetical order."""
    return kinds_in(TASK_KINDS)


def task_kind_modules(kinds: Iterable[str]) -> list[str]:
    """Returns the modules of some task kinds, each once, for the digest of a job's code."""
    return [module_of(TASK_KINDS, kind) for kind in sorted(set(kinds))]
