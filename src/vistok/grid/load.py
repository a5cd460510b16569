"""Reads the grid and one scale into a `Study`; every refusal names what is legal and which file to edit."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from vistok.errors import VistokError, unknown
from vistok.grid.scale import Scale, TaskFiles
from vistok.grid.values import Encoder, LanguageModel, Recipe, Run, Table, Task, Tokenizer, Value

GRID = Path("workflow/grid")
SCALES = Path("workflow/scales")
V = TypeVar("V", bound=Value)
T = TypeVar("T")


@dataclass(frozen=True)
class Study:
    """The whole study at one scale, on one split of its questions."""

    tokenizers: Mapping[str, Tokenizer]
    llms: Mapping[str, LanguageModel]
    recipes: Mapping[str, Recipe]
    tasks: Mapping[str, Task]
    tables: Mapping[str, Table]
    scale: Scale
    split: str = "test"

    @property
    def results_id(self) -> str:
        """The folder name of this study's results and tables."""
        return self.scale.id if self.split == "test" else f"{self.scale.id}-{self.split}"

    def tokenizer(self, asked: str) -> Tokenizer:
        return _find("tokenizer", asked, self.tokenizers, GRID / "tokenizers.yaml")

    def llm(self, asked: str) -> LanguageModel:
        return _find("llm", asked, self.llms, GRID / "llms.yaml")

    def recipe(self, asked: str) -> Recipe:
        return _find("recipe", asked, self.recipes, GRID / "recipes.yaml")

    def task(self, asked: str) -> Task:
        return _find("task", asked, self.tasks, GRID / "tasks.yaml")

    def table(self, asked: str) -> Table:
        return _find("table", asked, self.tables, GRID / "tables.yaml")

    def encoder(self, tokenizer: str) -> Encoder:
        """Returns the encoder of a tokenizer at this scale: the scale's own where it pretrains it."""
        entry = self.tokenizer(tokenizer)
        return self.scale.encoder if self.pretrains(tokenizer) and self.scale.encoder else entry.encoder

    def pretrains(self, tokenizer: str) -> bool:
        return self.scale.encoder is not None and self.tokenizer(tokenizer).objective is not None

    def task_files(self, task: str) -> TaskFiles | None:
        """Returns where a task's files are at this scale and split; None where the scale has none."""
        files = dict(self.scale.tasks)
        if self.split != "test":
            files |= _find("split", self.split, self.scale.splits, SCALES / f"{self.scale.id}.yaml")
        return files.get(task)

    def runs(self, table: str | None = None) -> tuple[Run, ...]:
        """Returns the runs of one table, or of all of them, each once, in the tables' order."""
        tables = [self.table(table)] if table else self.tables.values()
        return tuple(
            dict.fromkeys(
                Run(tokenizer=row.tokenizer, recipe=row.recipe, llm=row.llm, seed=seed)
                for entry in tables
                for row in entry.rows
                for seed in row.seeds
            )
        )

    def run(self, path: str) -> Run:
        """Returns the run with this id, e.g. `clip/frozen/vicuna-7b/seed-0`."""
        match path.split("/"):
            case [tokenizer, recipe, llm, seed] if seed.startswith("seed-") and seed[5:].isdigit():
                self.tokenizer(tokenizer), self.recipe(recipe), self.llm(llm)
                return Run(tokenizer=tokenizer, recipe=recipe, llm=llm, seed=int(seed[5:]))
        raise VistokError(f"not a run id: {path!r}. Legal: tokenizer/recipe/llm/seed-N, e.g. {self.runs()[0].path}.")

    def suite(self) -> tuple[Task, ...]:
        """Returns the tasks that some table shows, in column order."""
        columns = (column.task for table in self.tables.values() for column in table.columns)
        return tuple(self.task(task) for task in dict.fromkeys(columns))


def load_study(scale: str = "mini", *, split: str = "test", root: Path = Path(), data_root: str | None = None) -> Study:
    """Reads `workflow/grid` and one scale below `root`, and checks every id that they refer to.

    Raises:
        VistokError: a file, key, value or id is wrong.
    """
    grid = root / GRID
    scales = sorted(path.stem for path in (root / SCALES).glob("*.yaml"))
    if scale not in scales:
        raise unknown("scale", scale, scales, edit=str(SCALES))
    size = _validated(Scale, root / SCALES / f"{scale}.yaml", scale, _scale(root / SCALES, scale))
    if data_root is not None:
        size = size.model_copy(update={"data_root": data_root})
    study = Study(
        tokenizers=_entries(Tokenizer, grid / "tokenizers.yaml"),
        llms=_entries(LanguageModel, grid / "llms.yaml"),
        recipes=_recipes(grid / "recipes.yaml", size),
        tasks=_tasks(grid / "tasks.yaml", size),
        tables=_entries(Table, grid / "tables.yaml"),
        scale=size,
        split=split,
    )
    _check_references(study)
    return study


def _find(kind: str, asked: str, known: Mapping[str, T], file: Path) -> T:
    if asked not in known:
        raise unknown(kind, asked, known, edit=str(file))
    return known[asked]


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise VistokError(f"{path} is missing: start vistok in the root of its checkout.") from error
    except yaml.YAMLError as error:
        raise VistokError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(value, dict):
        raise VistokError(f"{path} must be a mapping from ids to entries, found {type(value).__name__}.")
    return value


def _validated(kind: type[V], path: Path, name: str, entry: dict[str, Any]) -> V:
    try:
        return kind.model_validate({"id": name, **entry})
    except ValidationError as error:
        lines = [_explain(kind, detail) for detail in error.errors()]
        raise VistokError("\n".join([f"{path}, entry {name!r}:", *(f"  {line}" for line in lines)])) from error


def _explain(kind: type[Value], detail: Any) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return str(unknown("key", where, kind.model_fields if len(detail["loc"]) == 1 else ()))
    return f"{where}: {detail['msg']}, found {str(detail['input'])[:80]!r}"


def _scale(folder: Path, name: str) -> dict[str, Any]:
    """Returns a scale's entry; one with `extends` is a diff of another scale that extends none."""
    entry = _read_yaml(folder / f"{name}.yaml")
    parent = entry.pop("extends", None)
    return _merge(_read_yaml(folder / f"{parent}.yaml"), entry) if parent else entry


def _entries(kind: type[V], path: Path, changes: Mapping[str, Any] | None = None) -> dict[str, V]:
    return {
        name: _validated(kind, path, name, _merge(entry or {}, (changes or {}).get(name, {})))
        for name, entry in _read_yaml(path).items()
    }


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Returns `below` with the keys of `above`, mappings merged key by key."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _recipes(path: Path, scale: Scale) -> dict[str, Recipe]:
    entries = _read_yaml(path)
    whole: dict[str, dict[str, Any]] = {}

    def resolve(name: str, children: tuple[str, ...] = ()) -> dict[str, Any]:
        if name in children:
            raise VistokError(f"{path}: {name!r} extends itself through {' -> '.join(children)}.")
        entry = dict(_find("recipe", name, entries, path))
        parent = entry.pop("extends", None)
        changes = scale.recipes.get(name, {})
        below = resolve(parent, (*children, name)) if parent else scale_wide(entry, scale)
        own = entry if parent else {}
        return _merge(_merge(below, own), changes)

    for name in entries:
        whole[name] = resolve(name)
    for name in scale.recipes:
        if name != "all":
            _find("recipe", name, entries, path)
    return {name: _validated(Recipe, path, name, entry) for name, entry in whole.items()}


def scale_wide(entry: dict[str, Any], scale: Scale) -> dict[str, Any]:
    """Returns a parentless recipe with what its scale changes in all recipes."""
    return _merge(entry, scale.recipes.get("all", {}))


def _tasks(path: Path, scale: Scale) -> dict[str, Task]:
    entries = _read_yaml(path)
    changes = {name: scale.task_kinds.get((entry or {}).get("kind"), {}) for name, entry in entries.items()}
    return _entries(Task, path, changes)


def _check_references(study: Study) -> None:
    """Refuses a reference to an id that is not declared, at the file that must be edited."""
    for table in study.tables.values():
        for row in table.rows:
            study.tokenizer(row.tokenizer), study.recipe(row.recipe), study.llm(row.llm)
        for column in table.columns:
            study.task(column.task)
    for llm in study.llms.values():
        if llm.base:
            study.llm(llm.base)
    scale = study.scale
    file = SCALES / f"{scale.id}.yaml"
    for name in (*scale.mixture, *([scale.probe_set] if scale.probe_set else ())):
        _find("image set", name, scale.image_sets, file)
    for tokenizer in study.tokenizers.values():
        if scale.encoder and tokenizer.objective:
            if tokenizer.objective not in scale.pretraining:
                raise unknown("pretraining", tokenizer.objective, scale.pretraining, edit=str(file))
            _find("image set", tokenizer.image_set or "", scale.image_sets, file)
    study.task_files("")
