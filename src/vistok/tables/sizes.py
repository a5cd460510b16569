"""What each row of a table is made of, counted: visual tokens, parameters and images; here, and as published."""

from dataclasses import dataclass

from vistok.grid.connectors import Connector
from vistok.grid.originals import Original, Stated
from vistok.grid.recipes import Recipe
from vistok.grid.released_models import ReleasedModel
from vistok.grid.study import Study
from vistok.grid.tables import AnyRow, Row

_MILLION = 1e6


@dataclass(frozen=True, slots=True)
class Size:
    """What one model is made of; parameters in millions.

    `trained` is all that the last stage of its training changes, `total` all of it.
    """

    visual_tokens: int
    tokenizer: float
    connector: float
    connector_trained: float
    llm: float
    trained: float
    total: float
    images: str


@dataclass(frozen=True, slots=True)
class Sizes:
    """A row's model at this scale (None where the scale does not make it), and the published one that it represents."""

    here: Size | None
    original: Size | None
    stated: tuple[Stated, ...] = ()


def sizes_of(study: Study, row: AnyRow) -> Sizes:
    """Returns what a row is made of; nothing of one that is asked once more, otherwise."""
    if not isinstance(row, Row):
        return Sizes(None, _released(study.released_model(row.model)))
    if row.instead:
        return Sizes(None, None)
    original = study.recipe(row.recipe).original
    stated = original.stated if original else ()
    counted = original_size(study, row, original) if original else None
    return Sizes(_here(study, row), counted, stated)


def _released(entry: ReleasedModel) -> Size | None:
    made = entry.made_of
    if made is None or entry.even:
        return None
    words = entry.parameters_m - made.tokenizer_m - made.connector_m
    learnt = {"tokenizer": made.tokenizer_m, "llm": words}
    learnt["connector"] = made.connector_trained_m or made.connector_m
    return Size(
        visual_tokens=entry.visual_tokens,
        tokenizer=made.tokenizer_m,
        connector=made.connector_m,
        connector_trained=learnt["connector"],
        llm=words,
        trained=sum(learnt[part] for part in made.trains),
        total=entry.parameters_m,
        images=made.images,
    )


def _here(study: Study, row: Row) -> Size | None:
    if not study.answers(row):
        return None
    models_study, run = study.models_study, row.subjects[0]
    recipe, encoder, llm = (
        models_study.recipe(row.recipe),
        models_study.tapped(run),
        models_study.shape(row.llm),
    )
    steps = [models_study.recipe(stage.recipe) for stage in models_study.stages([run])]
    shown = sum(stage.steps * stage.batch for stage in steps)
    return _size(
        recipe.connector,
        (encoder.tokens, encoder.width, encoder.parameters_m * _MILLION),
        (llm.width, llm.parameters),
        recipe,
        f"{shown:,} shown in {len(steps)} stage{'s' if len(steps) > 1 else ''}",
    )


def original_size(study: Study, row: Row, original: Original) -> Size:
    """Returns what the published model of a row's recipe is made of, counted by the shapes of its parts."""
    tokenizer, llm = original.tokenizer, original.llm
    return _size(
        original.connector,
        (tokenizer.tokens, tokenizer.width, tokenizer.parameters_m * _MILLION),
        (llm.width, llm.parameters_m * _MILLION),
        study.recipe(row.recipe),
        original.images,
    )


def _size(
    connector: Connector,
    encoder: tuple[int, int, float],
    llm: tuple[int, float],
    recipe: Recipe,
    images: str,
) -> Size:
    (seen, width, own), (llm_width, words) = encoder, llm
    learnt = connector.trained(width, llm_width)
    trained = learnt + recipe.learnt_of_tokenizer(own, width) + (words if "llm" in recipe.trains else 0)
    parameters = connector.parameters(width, llm_width)
    return Size(
        visual_tokens=connector.tokens(seen),
        tokenizer=own / _MILLION,
        connector=parameters / _MILLION,
        connector_trained=learnt / _MILLION,
        llm=words / _MILLION,
        trained=trained / _MILLION,
        total=(own + parameters + words) / _MILLION,
        images=images,
    )
