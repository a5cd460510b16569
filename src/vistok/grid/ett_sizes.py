"""The sizes of ETT's own models at a scale, and their trainings: of a tokenizer with its networks, or of a release."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import Discriminator, Field, Tag, model_validator

from vistok.grid.ett import EttColumn, NetworkSize
from vistok.grid.ett_generation import GenerationSize, PublishedPrompts
from vistok.grid.ett_photographs import PhotographsMeasured
from vistok.grid.fields import Id, Seed
from vistok.grid.marks import MACHINE
from vistok.grid.paths import PERCEPTUAL
from vistok.grid.recipes import Optimiser
from vistok.grid.value import Value

NETS: Final = ("judge", PERCEPTUAL, "features")


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
    """A tokenizer with a codebook as its authors released it."""

    images: tuple[Id, ...] = Field(
        min_length=1, max_length=1, description="the one image set that it is measured on"
    )
    released: Id = Field(description="the entry of tokenizers.yaml that says its network and its file")
    least_psnr: float = Field(
        gt=0, description="dB, of `gate_images` against their reconstructions, on the average"
    )


def _form(entry: object) -> str:
    """Returns which of two forms a tokenizer is declared in."""
    given = "released" in entry if isinstance(entry, Mapping) else isinstance(entry, TokenizerRelease)
    return "[release]" if given else "[training]"


def _prompts(entry: object) -> str:
    """Returns whose prompts images are drawn for."""
    pairs = entry.get("pairs") if isinstance(entry, Mapping) else getattr(entry, "pairs", None)
    return "[made]" if isinstance(pairs, int) else "[published]"


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
    generation: (
        Annotated[
            Annotated[GenerationSize, Tag("[made]")] | Annotated[PublishedPrompts, Tag("[published]")],
            Discriminator(_prompts),
        ]
        | None
    ) = None
    reconstruction: PhotographsMeasured | None = Field(
        None, description="on what reconstructions are measured, where no networks of the scale's own do that"
    )
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
        """Whether reconstructions are measured: with networks of its own, or on photographs as elsewhere."""
        return bool(self.nets or self.reconstruction)

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
        made = isinstance(self.generation, GenerationSize)
        if missing and (trained or made or len(missing) < len(NETS)):
            raise ValueError(
                f"{missing[0]} is missing: a tokenizer that is trained, and images of made prompts, need all of "
                f"{', '.join(NETS)}; a `released` tokenizer needs none"
            )
        return self

    @model_validator(mode="after")
    def _is_measured_in_one_way(self) -> Self:
        if self.nets and self.reconstruction:
            raise ValueError(
                "`reconstruction` names photographs, and judge, perceptual net and features measure on their own: one "
                "of the two is legal"
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
        pairs = self.generation.pairs if isinstance(self.generation, PublishedPrompts) else ()
        return tuple(dict.fromkeys((*named, *self.tokenizer.images, *pairs)))
