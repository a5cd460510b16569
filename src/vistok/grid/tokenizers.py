"""Visual tokenizers: image encoders, each pretrained under one kind of supervision."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from vistok.grid.fields import DIGEST_OF_WEIGHTS, REVISION_OF_WEIGHTS, Commit, Digest, Id, Label, Objective
from vistok.grid.marks import GATE, LABEL, LOADED, MACHINE, MADE, NOTE, counted
from vistok.grid.value import Value

Normalisation = Literal["imagenet", "clip", "siglip"]


class Encoder(Value):
    """How an image encoder is built and tapped.

    `parameters_m` counts the trunk without its head, in millions. The tap is the last block's output:
    before the encoder's final norm unless `final_norm`, with the class token unless `class_token` is off
    (released code: all 257 tokens of the last block, no norm).
    """

    library: Literal["timm", "open-clip", "transformers", "contents", "ibq"] = Field(
        description="what builds it; two are no libraries: `contents`, true contents of annotated images in place of "
        "pixels, and `ibq`, this project's tokenizer with a codebook"
    )
    name: str
    arguments: dict[str, Any] = {}
    weights: Annotated[str, LOADED] = Field(
        min_length=1,
        description="`published`, `random`, or a checkpoint file or folder: absolute, or below the data root",
    )
    image_size: int = Field(gt=0, description="pixels a side, after the squash")
    normalisation: Normalisation
    final_norm: bool = False
    class_token: bool = True
    tokens: int = Field(gt=0)
    width: int = Field(gt=0)
    parameters_m: Annotated[float, MACHINE] = Field(gt=0)
    revision: Annotated[Commit | None, NOTE] = Field(None, description=REVISION_OF_WEIGHTS)
    digest: Annotated[Digest | None, NOTE] = Field(None, description=DIGEST_OF_WEIGHTS)
    source: Annotated[str, NOTE]

    @property
    def architecture(self) -> dict[str, Any]:
        """What decides the tokens besides the weights, as JSON-like values."""
        return counted(self)


class Tap(Value):
    """What a recipe reads of an encoder, where it is not what the encoder's own entry says."""

    block: Literal["last", "one-before"] = Field("last", description="whose output is read")
    final_norm: Literal[True] | None = None
    class_token: Literal[False] | None = None

    def of(self, encoder: Encoder) -> Encoder:
        """Returns an encoder as it is read; true contents, which have neither blocks nor norms, are read whole."""
        if encoder.library == "contents":
            return encoder
        dropped = encoder.class_token and self.class_token is False
        update = self.model_dump(include={"final_norm", "class_token"}, exclude_none=True)
        return encoder.model_copy(update={**update, "tokens": encoder.tokens - dropped})


class Tokenizer(Value):
    """A visual tokenizer: an image encoder pretrained under one kind of supervision."""

    id: Id
    label: Annotated[Label, LABEL]
    supervision: Annotated[Literal["fully", "self", "weakly", "none"], LABEL]
    published_images: Annotated[Label, LABEL] = Field(description="the paper's '# Images' column")
    encoder: Encoder
    substitute: Annotated[str | None, LABEL] = Field(
        None, description="what stands in for weights that were never released"
    )
    measured_cause: Annotated[str | None, GATE] = Field(
        None,
        description="why its pretraining tells no more of categories than an untrained encoder, as measured: it then "
        "stops no build",
    )
    objective: Annotated[Objective | None, MADE] = Field(
        None, description="how a scale that pretrains makes it; none: as published"
    )
    image_set: Annotated[Id | None, MADE] = Field(None, description="what a scale that pretrains shows it")
    size: Annotated[Id, MADE] = Field(
        "base", description="which of its encoders a scale that pretrains makes it with"
    )
    base: Annotated[Id | None, MADE] = Field(
        None, description="the tokenizer whose weights its pretraining starts from"
    )
    teacher: Annotated[Id | None, MADE] = Field(
        None, description="the tokenizer whose features its pretraining teaches it"
    )
    proposer: Annotated[Id | None, MADE] = Field(
        None,
        description="the tokenizer whose pretraining learnt to propose regions of an image to this one's",
    )
    options: Annotated[dict[str, float], MADE] = Field(
        {}, description="of its objective, over those that a scale's `pretraining` gives"
    )

    @property
    def made_from(self) -> tuple[str, ...]:
        """The tokenizers that its pretraining takes: its base, its teacher and its proposer, where it has them."""
        return tuple(dict.fromkeys(self.roles.values()))

    @property
    def roles(self) -> dict[str, str]:
        """The tokenizers that its pretraining takes, by what they are to it."""
        roles = {"base": self.base, "teacher": self.teacher, "proposer": self.proposer}
        return {role: name for role, name in roles.items() if name}

    @model_validator(mode="after")
    def _is_pretrained_on_images(self) -> Self:
        if (self.objective is None) != (self.image_set is None):
            raise ValueError("`objective` and `image_set` go together: a scale that pretrains needs both")
        if (self.made_from or self.options) and self.objective is None:
            raise ValueError(
                "`base`, `teacher`, `proposer` and `options` are for a pretraining, which needs an `objective` too"
            )
        return self
