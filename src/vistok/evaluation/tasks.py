"""Checks the grid's tasks and training questions against their kinds."""

from vistok.errors import VistokError, unknown
from vistok.evaluation.kinds import task_kind
from vistok.grid.entries import GRID
from vistok.grid.recipes import Recipe
from vistok.grid.study import Study
from vistok.grid.tasks import Task


def check_tasks(study: Study) -> None:
    """Checks every task and every recipe of a study before anything is built from it.

    Raises:
        VistokError: a task or a recipe asks for something that its kind lacks.
    """
    for task in study.tasks.values():
        _check_task(task)
    for recipe in study.recipes.values():
        _check_recipe(recipe)


def _check_task(task: Task) -> None:
    kind, file = task_kind(task.kind), f"{GRID / 'tasks.yaml'}, entry {task.id!r}"
    if kind.asks and "{question}" not in task.prompt:
        raise VistokError(f"{file}: `prompt` has no {{question}}: the model would be asked nothing.")
    for protocol in task.protocols:
        if protocol not in kind.protocols:
            raise VistokError(f"{file}: {unknown(f'{task.kind} protocol', protocol, kind.protocols)}")
    if (kind.mode == "rank") is (task.decoding is not None):
        raise VistokError(
            f"{file}: {task.kind} answers are "
            + (
                "ranked by likelihood. Take `decoding` out."
                if task.decoding
                else "written: `decoding` is missing."
            )
        )
    if task.metric != kind.metric:
        raise VistokError(
            f"{file}: {unknown(f'metric of {task.kind} questions', task.metric, [kind.metric])}"
        )


def _check_recipe(recipe: Recipe) -> None:
    for name in recipe.turns:
        if not task_kind(name).teaches:
            raise VistokError(
                f"{GRID / 'recipes.yaml'}, entry {recipe.id!r}: no annotations teach {name} questions. Take {name!r} "
                "out of its `turns`."
            )
