"""The sizes of ETT's own models at a scale, and what they are trained on: a tokenizer and its networks."""

from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from vistok.errors import VistokError
from vistok.grid.entries import SCALES
from vistok.grid.ett import EttPaths, EttRow, EttTable, NetworkSize, read_tables
from vistok.grid.ett_generation import GenerationSize
from vistok.grid.fields import Id, Seed
from vistok.grid.marks import MACHINE, counted
from vistok.grid.paths import PERCEPTUAL, Paths
from vistok.grid.read import read_mapping, validated
from vistok.grid.recipes import Optimiser
from vistok.grid.runs import Run
from vistok.grid.specs import Spec
from vistok.grid.study import Study
from vistok.grid.tokenizers import Encoder, Tokenizer
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


class TokenizerTraining(Value):
    """A tokenizer with a codebook, and its training."""

    network: NetworkSize
    images: tuple[Id, ...] = Field(min_length=1, description="image sets")
    seed: Seed
    steps: int = Field(gt=0)
    batch: int = Field(gt=0)
    optimiser: Optimiser
    autoencoder_steps: int = Field(
        ge=0,
        description="first steps without a codebook, whose k-means it then starts from; 0: drawn from N(0, 1)",
    )
    start_images: int = Field(1000, gt=0, description="whose positions k-means is taken of")
    perceptual: tuple[float, ...] = Field(description="weight of each depth of the perceptual net")
    entropy: float = Field(ge=0)
    adversarial: float = Field(0.0, ge=0)
    lecam: float = Field(0.0, ge=0)
    discriminator_channels: int = Field(64, gt=0)
    discriminator_halvings: int = Field(3, gt=0)
    average: float = Field(
        ge=0, lt=1, description="decay of the average of weights that is kept; 0: the last ones"
    )
    least_use: float = Field(ge=0, le=1, description="share of codes that must occur in `gate_images`")
    gate_images: int = Field(gt=0)
    parameters_m: Annotated[float, MACHINE] = Field(gt=0, description="of all its parts, in millions")

    @model_validator(mode="after")
    def _has_a_codebook_in_the_end(self) -> Self:
        if self.autoencoder_steps >= self.steps:
            raise ValueError(f"`autoencoder_steps` leaves none of {self.steps} steps for the codebook")
        return self


class EttScale(Value):
    """What a scale makes of ETT."""

    id: Id
    judge: CellNetSize
    perceptual: CellNetSize
    features: CellNetSize
    tokenizer: TokenizerTraining
    generation: GenerationSize
    llm: Id = Field(description="the language model of the study that reads the codes")
    recipes: dict[Id, dict[str, Any]] = Field(
        {}, description="what this scale changes in a recipe of ETT's; `all` first, in those without a parent"
    )

    @property
    def nets(self) -> dict[str, CellNetSize]:
        return {name: getattr(self, name) for name in NETS}

    @model_validator(mode="after")
    def _nets_are_three(self) -> Self:
        """Measuring with the features of the perceptual loss, or judging with that network, would be biased."""
        trainings = [(net.images, net.seed) for net in self.nets.values()]
        if len(set(trainings)) < len(trainings):
            raise ValueError(
                "judge, perceptual net and features are three: of other `images` or another `seed`"
            )
        if len(self.tokenizer.perceptual) != len(self.perceptual.widths):
            raise ValueError(
                f"`perceptual` weighs {len(self.tokenizer.perceptual)} depths of {len(self.perceptual.widths)}"
            )
        return self

    @property
    def image_sets(self) -> tuple[str, ...]:
        named = (name for net in self.nets.values() for name in net.images)
        return tuple(dict.fromkeys((*named, *self.tokenizer.images)))


def tokenizers_of(scale: EttScale) -> dict[str, Tokenizer]:
    """Returns the tokenizers that a scale makes, as language models read them."""
    embeddings, codes = (
        ("embeddings", scale.tokenizer.network.width),
        ("codes", scale.tokenizer.network.codes),
    )
    return {
        IBQ: _tokenizer(scale, IBQ, "IBQ", *embeddings, made=IBQ),
        CODES: _tokenizer(scale, CODES, "IBQ, its codes alone", *codes, made=IBQ),
        LONGER: _tokenizer(scale, LONGER, "IBQ, trained longer", *embeddings, made=LONGER),
    }


def _tokenizer(scale: EttScale, name: str, label: str, read: str, width: int, *, made: str) -> Tokenizer:
    training = scale.tokenizer
    encoder = Encoder(
        library="ibq",
        name=read,
        arguments=training.network.model_dump(mode="json"),
        weights=f"ett/{made}",
        image_size=training.network.image_size,
        normalisation="siglip",
        class_token=False,
        tokens=training.network.tokens,
        width=width,
        parameters_m=training.parameters_m,
        source="IBQ, arXiv 2412.02692: from -1 to 1; its size is the scale's",
    )
    return Tokenizer(id=name, label=label, supervision="none", published_images="-", encoder=encoder)


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
    read_tables()
    if makes_ett(study):
        read_scale(study)


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


def net_inputs(study: Study) -> list[Path]:
    """Returns the shards that the networks are trained on."""
    sets = dict.fromkeys(name for net in read_scale(study.models_study).nets.values() for name in net.images)
    return [Paths(study).shards(name) for name in sets]


def nets_spec(study: Study) -> Spec:
    """Returns what the networks depend on besides their images."""
    scale = read_scale(study.models_study)
    return {
        "pixels": scale.tokenizer.network.image_size,
        **{name: counted(net) for name, net in scale.nets.items()},
    }


def ibq_inputs(study: Study) -> list[Path]:
    """Returns the tokenizer's training images, and the network of its perceptual loss."""
    sets = [Paths(study).shards(name) for name in read_scale(study.models_study).tokenizer.images]
    return [EttPaths(study).checkpoint(PERCEPTUAL), *sets]


def ibq_spec(study: Study) -> Spec:
    """Returns what the tokenizer depends on besides what it is trained on."""
    return counted(read_scale(study.models_study).tokenizer)


def longer_inputs(study: Study) -> list[Path]:
    """Returns the tokenizer, and what it is trained on for longer."""
    sets = [Paths(study).shards(name) for name in longer_training(study.models_study).images]
    return [*(EttPaths(study).checkpoint(name) for name in (IBQ, PERCEPTUAL)), *sets]


def longer_spec(study: Study) -> Spec:
    """Returns what the longer training depends on besides the tokenizer and its images."""
    return counted(longer_training(study.models_study))


def longer_training(study: Study) -> TokenizerTraining:
    """Returns the control's training: as many more steps of the tokenizer alone as tuning takes, as large, as fast."""
    size, recipe = read_scale(study).tokenizer, study.recipe(TUNED)
    rate = recipe.optimiser.learning_rate * recipe.rates.get("tokenizer", 1.0)
    return size.model_copy(
        update={
            "images": study.scale.mixture,
            "steps": recipe.steps,
            "batch": recipe.batch,
            "optimiser": recipe.optimiser.model_copy(update={"learning_rate": rate}),
            "autoencoder_steps": 0,
            "average": 0.0,  # of a tuned tokenizer the last weights are kept, too
        }
    )


def runs_of(study: Study, table: EttTable) -> list[Run]:
    """Returns what answers for the rows of a table."""
    return [run for row in table.rows for run in row.runs(read_scale(study).llm, study.seeds)]


def painted_by(study: Study, row: EttRow) -> str:
    """Returns what a row's tokenizer is called in the record of reconstruction: by its recipe where that tunes it."""
    return row.recipe if "tokenizer" in study.models_study.recipe(row.recipe).trains else row.tokenizer


def tuned_runs(study: Study) -> list[Run]:
    """Returns a run for each way in which Table 5 tunes a tokenizer, of its first seed."""
    rows = [
        row
        for row in read_tables()["table-5"].rows
        if "tokenizer" in study.models_study.recipe(row.recipe).trains
    ]
    return [row.runs(read_scale(study).llm, 1)[0] for row in rows]


def measured(study: Study) -> list[Path]:
    """Returns the measurements of a scale's own models; nothing if it has none."""
    if not makes_ett(study):
        return []
    paths, files = Paths(study), dict.fromkeys([EttPaths(study).reconstruction, EttPaths(study).generation])
    for table in read_tables().values():
        for task in table.tasks:
            metrics = [paths.metrics(run, task) for run in runs_of(study, table)]
            files |= dict.fromkeys([*metrics, paths.blind(task)])
    return list(files)
