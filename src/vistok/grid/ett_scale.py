"""What a scale makes of ETT: its sizes, and the tables, runs and trainings that follow from them."""

from pathlib import Path
from typing import Any, Final

from vistok.errors import VistokError
from vistok.grid.entries import SCALES, find
from vistok.grid.ett import EttPaths, EttRow, EttTable, NetworkSize, read_tables
from vistok.grid.ett_generation import GenerationSize, PublishedPrompts
from vistok.grid.ett_sizes import NETS, EttScale, TokenizerTeaching, TokenizerTraining
from vistok.grid.paths import Paths
from vistok.grid.read import read_mapping, validated
from vistok.grid.runs import Run, Subject
from vistok.grid.study import Study

FOLDER: Final = SCALES / "ett"
IBQ: Final = "ibq"
CODES: Final = "ibq-codes"  # the same tokenizer, read as code indices only
LONGER: Final = "ibq-longer"  # the same, trained without captions for as many more steps as tuning takes
TUNED: Final = "embedding-tuned"
TASK: Final = "coco-oc"  # the task whose images are reconstructed, with their annotations


def scale_file(study: Study) -> Path:
    return FOLDER / f"{study.models_study.scale.id}.yaml"


def makes_ett(study: Study, root: Path = Path()) -> bool:
    """Returns whether a study's scale has a tokenizer of ETT's; `root` is that of the checkout."""
    return (root / scale_file(study)).is_file()


def check_grid(study: Study) -> None:
    """Reads everything that is declared for ETT, before the rules need it.

    Raises:
        VistokError: a file is missing or wrong, or a scale names an image set that does not exist.
    """
    tables_of(study)
    if makes_ett(study):
        for name in read_scale(study).image_sets:
            find("image set", name, study.models_study.scale.image_sets, scale_file(study))


def read_scale(study: Study, root: Path = Path()) -> EttScale:
    """Returns the sizes of ETT's models at a study's scale.

    Raises:
        VistokError: it makes nothing of it, or its file is wrong.
    """
    path = root / scale_file(study)
    if not makes_ett(study, root):
        legal = ", ".join(sorted(file.stem for file in (root / FOLDER).glob("*.yaml")))
        raise VistokError(
            f"the scale {study.models_study.scale.id!r} has no tokenizer of ETT's: {path} is missing. Legal: {legal}."
        )
    return validated(EttScale, path.stem, read_mapping(path), str(path))


def tables_of(study: Study) -> dict[str, EttTable]:
    """Returns the tables, with the columns that a study's scale shows otherwise.

    Raises:
        VistokError: a file is missing or wrong, or the scale names a column that no table has.
    """
    tables = read_tables()
    own = read_scale(study).columns if makes_ett(study) else {}
    legal = dict.fromkeys(title for table in tables.values() for title in table.columns)
    for title in own:
        find("column", title, legal, scale_file(study))
    return {
        name: table.model_copy(
            update={"columns": {title: own.get(title, entry) for title, entry in table.columns.items()}}
        )
        for name, table in tables.items()
    }


def generation_of(study: Study) -> GenerationSize | PublishedPrompts:
    """Returns the sizes of image generation.

    Raises:
        VistokError: the study's scale draws no images.
    """
    if size := read_scale(study.models_study).generation:
        return size
    raise VistokError(
        f"no images are drawn for prompts at the scale {study.models_study.scale.id!r}: {scale_file(study)} has no "
        "`generation`. Name a scale that has one, such as --scale mini."
    )


def made_prompts_of(study: Study) -> GenerationSize:
    """Returns the sizes of the prompts that a study's scale makes in its own world.

    Raises:
        VistokError: it draws no images, or those of published prompts.
    """
    size = generation_of(study)
    if isinstance(size, GenerationSize):
        return size
    raise VistokError(
        f"no prompts are made at the scale {study.models_study.scale.id!r}: {scale_file(study)} names published ones, "
        f"{size.prompts}. Name a scale with a world of its own, such as --scale mini."
    )


def pair_folders(study: Study) -> list[Path]:
    """Returns the shards of images with captions that models learn to draw from."""
    size, models_study = generation_of(study), study.models_study
    if isinstance(size, PublishedPrompts):
        return [Paths(models_study).shards(name) for name in size.pairs]
    return [EttPaths(models_study).prompts / "pairs"]


def check_nets(study: Study) -> None:
    """Refuses a scale without networks of its own that judge images.

    Raises:
        VistokError: it has none.
    """
    if not read_scale(study.models_study).nets:
        raise VistokError(
            f"no networks that judge images are trained at the scale {study.models_study.scale.id!r}: "
            f"{scale_file(study)} has no {', '.join(NETS)}. Name a scale that has them, such as --scale mini."
        )


def network_of(study: Study) -> NetworkSize:
    """Returns the size of the tokenizer that a study's scale makes."""
    return NetworkSize.model_validate(study.models_study.encoder(IBQ).arguments)


def longer_training(study: Study) -> TokenizerTraining:
    """Returns the control's training: as many more steps of the tokenizer alone as tuning takes, as large, as fast."""
    made, recipe = read_scale(study).tokenizer, study.recipe(TUNED)
    rate = recipe.optimiser.learning_rate * recipe.rates.get("tokenizer", 1.0)
    changed: dict[str, Any] = {
        "images": study.scale.mixture,
        "steps": recipe.steps,
        "batch": recipe.batch,
        "optimiser": recipe.optimiser.model_copy(update={"learning_rate": rate}),
        "autoencoder_steps": 0,
        "average": 0.0,  # of a tuned tokenizer the last weights are kept, too
    }
    if isinstance(made, TokenizerTraining):
        return made.model_copy(update=changed)
    taught = {name: getattr(made, name) for name in TokenizerTeaching.model_fields}
    parameters = study.encoder(IBQ).parameters_m
    return TokenizerTraining(
        network=network_of(study), perceptual=(), parameters_m=parameters, **{**taught, **changed}
    )


def longer_repeats(study: Study) -> tuple[int, ...]:
    """Returns how often the images of each of the control's sets occur in an epoch: as in the tuned rows' mixture."""
    return tuple(study.scale.places.get(name, 1) for name in study.scale.mixture)


def runs_of(study: Study, table: EttTable) -> list[Run]:
    """Returns what answers for the rows of a table."""
    return [run for row in table.rows for run in row.runs(read_scale(study).llm, study.seeds)]


def suites_of(study: Study) -> tuple[str, ...]:
    """Returns the suites whose tasks ETT's tables show at a scale that has models of it."""
    tables = tables_of(study).values() if makes_ett(study) else ()
    return tuple(dict.fromkeys(study.task(task).suite for table in tables for task in table.tasks))


def own_blind(study: Study, suite: str) -> bool:
    """Returns whether ETT's language model is none of those that answer a suite in the study without the image."""
    return makes_ett(study) and read_scale(study).llm not in study.llms_of(suite)


def of_ett(study: Study, subject: Subject) -> bool:
    """Returns whether what answers is a model that reads the codes of a tokenizer that a scale makes of ETT's."""
    return isinstance(subject, Run) and subject.tokenizer in study.models_study.second_system.tokenizers


def painted_by(study: Study, row: EttRow) -> str:
    """Returns what a row's tokenizer is called in the record of reconstruction: by its recipe where that tunes it."""
    return row.recipe if "tokenizer" in study.models_study.recipe(row.recipe).trains else row.tokenizer


def tuned_runs(study: Study) -> list[Run]:
    """Returns a run for each way in which Table 5 tunes a tokenizer, of its first seed."""
    rows = [
        row
        for row in tables_of(study)["table-5"].rows
        if "tokenizer" in study.models_study.recipe(row.recipe).trains
    ]
    return [row.runs(read_scale(study).llm, 1)[0] for row in rows]
