"""Reads the grid and one scale into a `Study`, and checks every id that they refer to."""

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any, Final, TypeVar

from vistok.errors import VistokError
from vistok.grid.checks import check_references
from vistok.grid.entries import GRID, SCALES, TEST, SecondSystem, find
from vistok.grid.ett import RECIPES
from vistok.grid.ett_scale import makes_ett, read_scale, scale_file
from vistok.grid.ett_tokenizers import tokenizers_of
from vistok.grid.language_models import LanguageModel
from vistok.grid.read import ancestry, merged, read_entries, read_mapping, validated
from vistok.grid.recipes import Recipe
from vistok.grid.released_models import ReleasedModel
from vistok.grid.scale import ALL_RECIPES, Scale
from vistok.grid.study import Study
from vistok.grid.tables import Table
from vistok.grid.tasks import Task
from vistok.grid.tokenizers import Tokenizer
from vistok.grid.value import Value

V = TypeVar("V", bound=Value)
MOST_SEEDS: Final = 100
Entries = Mapping[str, Mapping[str, Any]]


def load_study(
    scale: str = "mini",
    *,
    split: str = TEST,
    root: Path = Path(),
    data_root: str | None = None,
    seeds: int = 1,
) -> Study:
    """Reads `workflow/grid` and one scale below `root`.

    Args:
        scale: a file of `workflow/scales`.
        split: which questions: `test`, or a split that the scale names.
        root: the root of the checkout.
        data_root: the folder of the official files, in place of the scale's own.
        seeds: how often each row is trained that does not declare its own seeds: with seeds 0, 1, ...

    Raises:
        VistokError: a file, key, value or id is wrong, `seeds` is no such number, or a scale that makes its own data
            is given a data root.
    """
    size = _scale(scale, root)
    models_study = None if size.models == size.id else load_study(_scale_with_models(size, root), root=root)
    if data_root is not None:
        if not str(data_root).strip():
            raise VistokError(
                "the data root that is given is empty: a variable may be unset. Name a folder, or leave the option out."
            )
        if size.world:
            raise VistokError(
                f"the scale {size.id!r} makes its own data: no data_root can be given. Leave it out, or name the scale "
                "that reads your files: scale=excerpt."
            )
        size = size.model_copy(update={"data_root": str(data_root)})
    grid = root / GRID
    tables = _repeated(_values(Table, grid / "tables.yaml"), seeds)
    in_others = (models_study.scale if models_study else size).in_others
    tables = {name: table.with_stand_ins(size.stand_ins, in_others) for name, table in tables.items()}
    study = Study(
        tokenizers=_values(Tokenizer, grid / "tokenizers.yaml"),
        llms=_values(LanguageModel, grid / "llms.yaml"),
        recipes=_recipes(grid / "recipes.yaml", size.recipes, size.connectors, _changed_by(size)),
        tasks=_tasks(grid / "tasks.yaml", size),
        tables={name: table for name, table in tables.items() if not table.apart},
        apart={name: table for name, table in tables.items() if table.apart},
        released=_values(ReleasedModel, grid / "models.yaml"),
        scale=size,
        split=split,
        seeds=seeds,
        other_models_study=models_study,
    )
    study = replace(study, second_system=_second_system(study, root))
    check_references(study)
    return study


def _second_system(study: Study, root: Path) -> SecondSystem:
    """Returns ETT's recipes, and its tokenizers where a scale makes them.

    Elsewhere released tokenizers can be read, and those recipes are left out that need a perceptual net. A scale with a
    released tokenizer asks as its study does, unless it says otherwise.
    """
    in_all = study.scale.recipes.get(ALL_RECIPES, {})
    if not makes_ett(study, root):
        recipes = _recipes(root / RECIPES, {ALL_RECIPES: in_all}, {}, _changed_by(study.scale))
        return SecondSystem(
            recipes={name: entry for name, entry in recipes.items() if not entry.tokenizer_loss}
        )
    scale, changed_by = read_scale(study, root), f" (with {scale_file(study)} over it)"
    study.llm(scale.llm)
    sizes = {ALL_RECIPES: in_all, **scale.recipes} if scale.takes_release else scale.recipes
    return SecondSystem(
        tokenizers_of(scale, study.tokenizers), _recipes(root / RECIPES, sizes, {}, changed_by)
    )


def _scale(name: str, root: Path) -> Scale:
    """Returns a scale, laid over the one that it extends, if any."""
    files = {path.stem: path for path in sorted((root / SCALES).glob("*.yaml"))}
    if not files:
        raise VistokError(f"{root / SCALES} has no scales: start vistok in the root of its checkout.")
    entries: dict[str, dict[str, Any]] = {}

    def parent_of(link: str) -> Any:
        entries[link] = read_mapping(find("scale", link, files, SCALES))
        return entries[link].pop("extends", None)

    line = ancestry("scale", name, parent_of, SCALES)
    where = " over ".join(str(files[link]) for link in reversed(line))
    return validated(Scale, name, reduce(merged, (entries[link] for link in line)), where)


def _scale_with_models(scale: Scale, root: Path) -> str:
    """Returns the id of the scale whose checkpoints answer for another."""
    named = _scale(scale.models, root)
    if named.models != named.id:
        raise VistokError(
            f"{SCALES / f'{scale.id}.yaml'}: `models` names {named.id!r}, which has no models of its own: it "
            f"takes those of {named.models!r}. Name a scale that has."
        )
    return named.id


def _values(kind: type[V], path: Path, entries: Entries | None = None, changed_by: str = "") -> dict[str, V]:
    """Returns a grid file's entries, or what a scale made of them, as values."""
    return {
        name: validated(kind, name, entry, f"{path}{changed_by}, entry {name!r}")
        for name, entry in (read_entries(path) if entries is None else entries).items()
    }


def _recipes(
    path: Path, sizes: Entries, connectors: Mapping[Any, dict[str, Any]], changed_by: str
) -> dict[str, Recipe]:
    """Returns the recipes: each laid over its parent, what the scale changes in a recipe over that recipe."""
    entries = read_entries(path)
    if ALL_RECIPES in entries:
        raise VistokError(
            f"{path}: no recipe can be called {ALL_RECIPES!r}: scales use it to mean all of them."
        )
    for name in sizes.keys() - {ALL_RECIPES}:
        find("recipe", name, entries, path)

    def parent_of(name: str) -> Any:
        return find("recipe", name, entries, path).get("extends")

    def layers(name: str) -> list[Mapping[str, Any]]:
        own = {key: value for key, value in entries[name].items() if key != "extends"}
        in_all = sizes.get(ALL_RECIPES, {}) if parent_of(name) is None else {}
        return [own, in_all, _connector_sizes(own, connectors), sizes.get(name, {})]

    lines = {name: ancestry("recipe", name, parent_of, path) for name in entries}
    complete = {
        name: reduce(merged, (layer for link in line for layer in layers(link)))
        for name, line in lines.items()
    }
    return _values(Recipe, path, complete, changed_by)


def _repeated(tables: Mapping[str, Table], seeds: object) -> dict[str, Table]:
    """Returns the tables with each row that declares no seeds trained with the first so many.

    Raises:
        VistokError: that is no number of trainings.
    """
    if type(seeds) is not int or not 1 <= seeds <= MOST_SEEDS:
        raise VistokError(
            f"seeds={seeds!r}: how often each row is trained is a whole number from 1 to {MOST_SEEDS}, e.g. seeds=3. "
            f"Leave it out for one; a row's own `seeds` are declared in {GRID / 'tables.yaml'}."
        )
    return {name: table.repeated(tuple(range(seeds))) for name, table in tables.items()}


def _connector_sizes(recipe: Mapping[str, Any], sizes: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    """Returns what a scale changes in the connector that a recipe names, by the connector's kind."""
    connector = recipe.get("connector")
    kind = connector.get("kind") if isinstance(connector, Mapping) else None
    return {"connector": sizes[kind]} if isinstance(kind, str) and kind in sizes else {}


def _tasks(path: Path, scale: Scale) -> dict[str, Task]:
    changes: Mapping[Any, dict[str, Any]] = scale.task_kinds
    complete = {
        name: merged(entry, changes.get(str(entry.get("kind")), {}))
        for name, entry in read_entries(path).items()
    }
    return _values(Task, path, complete, _changed_by(scale))


def _changed_by(scale: Scale) -> str:
    return f" (with {SCALES / f'{scale.id}.yaml'} over it)"
