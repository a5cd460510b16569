"""Refuses entries of the grid that refer to something that is not declared, or in the end to themselves."""

from vistok.errors import VistokError, unknown
from vistok.grid.entries import GRID, find
from vistok.grid.labels import check_labels
from vistok.grid.read import ancestry
from vistok.grid.recipes import Recipe
from vistok.grid.scale import Scale
from vistok.grid.study import Study
from vistok.grid.tables import AnyRow, Row, Table


def check_references(study: Study) -> None:
    """Refuses a reference to an id that is not declared, at the file that must be edited."""
    for table in (*study.tables.values(), *study.apart.values()):
        check_labels(table)
        for row in table.rows:
            for subject in row.subjects:
                study.subject(subject.path)
            _check_answers(study, table, row)
            _check_named(table, row)
        for task in table.tasks:
            study.task(task)
    for name in study.tokenizers:
        _check_descent(study, name, ())
    for recipe in (*study.recipes.values(), *study.second_system.recipes.values()):
        _check_stages(study, recipe)
    for model in study.released.values():
        study.released_model(model.even or model.id)
    for name in study.llms:
        ancestry("llm", name, lambda link: study.llm(link).base, GRID / "llms.yaml")
    _check_scale(study, study.scale)


def _check_named(table: Table, row: AnyRow) -> None:
    shown = [column.task for column in table.columns]
    for key, tasks in (("not_measured", row.not_measured), ("instead", row.instead)):
        for task in tasks.keys() - {*shown}:
            raise unknown(f"task of `{key}` in {GRID / 'tables.yaml'}, entry {table.id!r}", task, shown)


def _check_answers(study: Study, table: Table, row: AnyRow) -> None:
    if isinstance(row, Row) and study.recipe(row.recipe).learns != "answers":
        raise VistokError(
            f"{GRID / 'tables.yaml'}, entry {table.id!r}: {row.path} is a first stage, which answers nothing. Name a "
            f"recipe that follows {row.recipe!r}."
        )


def _check_stages(study: Study, recipe: Recipe) -> None:
    """Refuses a recipe that follows none that there is, itself, or one that leaves it another connector."""
    where = GRID / "recipes.yaml"

    def before(name: str) -> str | None:
        stage = study.recipe(name).follows
        return stage.recipe if stage else None

    ancestry("recipe", recipe.id, before, where)
    if recipe.follows is None:
        return
    study.llm(recipe.follows.llm or next(iter(study.llms)))
    followed = study.recipe(recipe.follows.recipe)
    own, other = (entry.connector.model_dump(exclude={"kind"}) for entry in (recipe, followed))
    if own != other or followed.tunes_tokenizer:
        raise VistokError(
            f"{where}: recipe {recipe.id!r} follows {followed.id!r}, whose connector is not the same, or which tunes "
            "the tokenizer, too: a stage goes on with a connector of its own sizes, and with no other part. Give both "
            "one connector, and the first stage `trains: [connector]`."
        )


def _check_descent(study: Study, tokenizer: str, ancestors: tuple[str, ...]) -> None:
    """Refuses a tokenizer that is made from an unknown one, or in the end from itself."""
    if tokenizer in ancestors:
        circle = " from ".join((*ancestors[ancestors.index(tokenizer) :], tokenizer))
        raise VistokError(
            f"{GRID / 'tokenizers.yaml'}: tokenizer {tokenizer!r} is made from itself: {circle}. "
            "Take one of these bases or teachers out."
        )
    for name in study.tokenizer(tokenizer).made_from:
        _check_descent(study, name, (*ancestors, tokenizer))


def _check_scale(study: Study, scale: Scale) -> None:
    study.task_files("")
    for files in (scale.tasks, *scale.splits.values()):
        for task in files:
            study.task(task)
    for name in scale.probe_gate:
        find("table", name, study.tables, study.scale_file)
    for name in (*scale.mixture, *([scale.probe_set] if scale.probe_set else ())):
        study.image_set(name)
    for name in scale.leaves_out:
        study.llm(name)
    for name in (*scale.floors.values(), *scale.ceilings.values(), *scale.pretraining_steps):
        study.tokenizer(name)
    for placed, stand_in in (*scale.stand_ins.items(), *scale.in_others.items()):
        for name in (placed, stand_in):
            (study.llm if placed in study.llms else study.tokenizer)(name)
    for tokenizer in study.tokenizers.values():
        if scale.encoders and tokenizer.objective and tokenizer.image_set:
            study.encoder(tokenizer.id)
            study.pretraining(tokenizer.id)
            study.image_set(tokenizer.image_set)
