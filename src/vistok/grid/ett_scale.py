"""The sizes of ETT's own models at a scale, and what they are trained on: a tokenizer and its networks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Discriminator, Field, Tag, model_validator

from vistok.errors import VistokError
from vistok.grid.entries import SCALES, find
from vistok.grid.ett import EttColumn, EttRow, EttTable, NetworkSize, read_tables
from vistok.grid.ett_generation import GenerationSize
from vistok.grid.fields import Id, Seed
from vistok.grid.marks import MACHINE
from vistok.grid.paths import PERCEPTUAL
from vistok.grid.read import read_mapping, validated
from vistok.grid.recipes import Optimiser
from vistok.grid.runs import Run, Subject
from vistok.grid.study import Study
from vistok.grid.value import Value

FOLDER: Final = SCALES / "ett"
NETS: Final = ("judge", PERCEPTUAL, "features")
IBQ: Final = "ibq"
CODES: Final = "ibq-codes"  # the same tokenizer, read as code indices only
LONGER: Final = "ibq-longer"  # the same, trained without captions for as many more steps as tuning takes
TUNED: Final = "embedding-tuned"
TASK: Final = "coco-oc"  # the task whose images are reconstructed, with their annotations


class CellNetSize(Value):
    """A network that classifies the contents of each cell of an image, and its training on annotated images."""

    images: tuple[Id, ...] = Field(min_length=1, description="image sets whose objects are annotated")
    seed: Seed
    widths: tuple[int, ...] = Field(
        min_length=1, description="of its convolutions, each of which halves the map"
    )
    steps: int = Field(gt=0)
    batch: int = Field(gt=0)
    optimiser: Optimiser
    least: float = Field(ge=0, le=100, description="per cent of held-out objects whose category it must tell")
    held_out: int = Field(gt=0, description="the last images of its sets, which it is not trained on")


class TokenizerTeaching(Value):
    """What a tokenizer with a codebook is trained by, alone or with a language model, and when it is refused."""

    images: tuple[Id, ...] = Field(min_length=1, description="image sets")
    seed: Seed
    entropy: float = Field(ge=0)
    adversarial: float = Field(0.0, ge=0)
    lecam: float = Field(0.0, ge=0)
    discriminator_channels: int = Field(64, gt=0)
    discriminator_halvings: int = Field(3, gt=0)
    least_use: float = Field(ge=0, le=1, description="share of codes that must occur in `gate_images`")
    gate_images: int = Field(gt=0)


class TokenizerTraining(TokenizerTeaching):
    """A tokenizer with a codebook, and its training."""

    network: NetworkSize
    steps: int = Field(gt=0)
    batch: int = Field(gt=0)
    optimiser: Optimiser
    autoencoder_steps: int = Field(
        ge=0,
        description="first steps without a codebook, whose k-means it then starts from; 0: drawn from N(0, 1)",
    )
    start_images: int = Field(1000, gt=0, description="whose positions k-means is taken of")
    perceptual: tuple[float, ...] = Field(
        description="weight of each depth of the perceptual net; none: as LPIPS has learnt them"
    )
    average: float = Field(
        ge=0, lt=1, description="decay of the average of weights that is kept; 0: the last ones"
    )
    parameters_m: Annotated[float, MACHINE] = Field(gt=0, description="of all its parts, in millions")

    @model_validator(mode="after")
    def _has_a_codebook_in_the_end(self) -> Self:
        if self.autoencoder_steps >= self.steps:
            raise ValueError(f"`autoencoder_steps` leaves none of {self.steps} steps for the codebook")
        return self


class TokenizerRelease(TokenizerTeaching):
    """A tokenizer with a codebook as its authors released it; `images` are those that it is measured on."""

    released: Id = Field(description="the entry of tokenizers.yaml that says its network and its file")


def _form(entry: object) -> str:
    """Returns which of two forms a tokenizer is declared in."""
    given = "released" in entry if isinstance(entry, Mapping) else isinstance(entry, TokenizerRelease)
    return "[release]" if given else "[training]"


class EttScale(Value):
    """What a scale makes of ETT: of a tokenizer that it trains with nets of its own, or of a released one."""

    id: Id
    judge: CellNetSize | None = None
    perceptual: CellNetSize | None = None
    features: CellNetSize | None = None
    tokenizer: Annotated[
        Annotated[TokenizerTraining, Tag("[training]")] | Annotated[TokenizerRelease, Tag("[release]")],
        Discriminator(_form),
    ]
    generation: GenerationSize | None = None
    llm: Id = Field(description="the language model of the study that reads the codes")
    recipes: dict[Id, dict[str, Any]] = Field(
        {}, description="what this scale changes in a recipe of ETT's; `all` first, in those without a parent"
    )
    columns: dict[str, EttColumn] = Field(
        {}, description="what this scale shows in a column of ETT's tables in place of what these declare"
    )

    @property
    def nets(self) -> dict[str, CellNetSize]:
        """The networks that it trains, all three or none."""
        given = {"judge": self.judge, PERCEPTUAL: self.perceptual, "features": self.features}
        return {name: net for name, net in given.items() if net}

    @property
    def takes_release(self) -> bool:
        """Whether its tokenizer is a released one."""
        return isinstance(self.tokenizer, TokenizerRelease)

    @property
    def reconstructs(self) -> bool:
        """Whether reconstructions are measured: it has the networks that measure them."""
        return bool(self.nets)

    @model_validator(mode="after")
    def _nets_are_three(self) -> Self:
        """Measuring with the features of the perceptual loss, or judging with that network, would be biased."""
        trainings = [(net.images, net.seed) for net in self.nets.values()]
        if len(set(trainings)) < len(trainings):
            raise ValueError(
                "judge, perceptual net and features are three: of other `images` or another `seed`"
            )
        missing = [name for name in NETS if name not in self.nets]
        trained = isinstance(self.tokenizer, TokenizerTraining)
        if missing and (trained or self.generation or len(missing) < len(NETS)):
            raise ValueError(
                f"{missing[0]} is missing: a tokenizer that is trained, and images that are judged, need all of "
                f"{', '.join(NETS)}; a `released` tokenizer needs none"
            )
        return self

    @model_validator(mode="after")
    def _perceptual_depths_are_weighed(self) -> Self:
        depths = len(self.perceptual.widths) if self.perceptual else 0
        weighed = self.tokenizer.perceptual if isinstance(self.tokenizer, TokenizerTraining) else None
        if weighed is not None and len(weighed) != depths:
            raise ValueError(f"`perceptual` weighs {len(weighed)} depths of {depths}")
        return self

    @property
    def image_sets(self) -> tuple[str, ...]:
        named = (name for net in self.nets.values() for name in net.images)
        return tuple(dict.fromkeys((*named, *self.tokenizer.images)))


def scale_file(study: Study) -> Path:
    return FOLDER / f"{study.models_study.scale.id}.yaml"


def makes_ett(study: Study, root: Path = Path()) -> bool:
    """Returns whether a study's scale has a tokenizer of ETT's; `root` is that of the checkout."""
    return (root / scale_file(study)).is_file()


def check_grid(study: Study) -> None:
    """Reads everything that is declared for ETT, before the rules need it.

    Raises:
        VistokError: a file is missing or wrong.
    """
    tables_of(study)


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


def generation_of(study: Study) -> GenerationSize:
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
