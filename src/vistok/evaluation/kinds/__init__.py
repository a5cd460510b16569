"""The task kinds: one file per kind, named after its id; everything that depends on the kind asks it."""

from functools import cache
from importlib import import_module
from typing import Any

from vistok.errors import unknown
from vistok.evaluation.kind import TaskKind
from vistok.grid.kinds import task_kinds


@cache
def task_kind(name: str) -> TaskKind[Any]:
    """Returns the task kind of an id.

    Raises:
        VistokError: there is no such file.
    """
    if name not in task_kinds():
        raise unknown("kind of question", name, task_kinds(), edit="src/vistok/evaluation/kinds")
    kind: TaskKind[Any] = import_module(f"vistok.evaluation.kinds.{name.replace('-', '_')}").KIND
    return kind
