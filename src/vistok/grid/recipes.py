"""Recipes: how an MLLM is made from a tokenizer and a language model."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from vistok.grid.connectors import Connector, Resampler
from vistok.grid.fields import TOKENIZER_PARTS, Id, Label, Part, TaskKind
from vistok.grid.marks import LABEL, NOTE
from vistok.grid.originals import Original
from vistok.grid.tokenizers import Tap
from vistok.grid.value import Value


class Muon(Value):
    """Steps along orthogonal momentum, of the size of AdamW's (arXiv 2502.16982)."""

    learning_rate: float = Field(gt=0)
    momentum: float = Field(0.95, gt=0, lt=1)


class Optimiser(Value):
    """AdamW with linear warm-up, then cosine to `final_fraction` of the learning rate."""

    learning_rate: float = Field(gt=0)
    warmup_steps: int = Field(ge=0)
    betas: tuple[float, float] = (0.9, 0.98)
    epsilon: float = 1e-8
    weight_decay: float = Field(0.05, ge=0)
    clip_norm: float | None = Field(None, gt=0)
    final_fraction: float = Field(0.0, ge=0, le=1)
    muon: Muon | None = Field(
        None,
        description="how the weights of linear layers are trained, on the same schedule; as all others without",
    )


class Follows(Value):
    """The training whose connector another one goes on with; tokenizer and seed are its own."""

    recipe: Id
    llm: Id | None = Field(
        None,
        description="the language model that it was trained with, if another: the projection is then new",
    )


class Recipe(Value):
    """How an MLLM is made from a tokenizer and a language model."""

    id: Id
    label: Annotated[Label, LABEL]
    trains: tuple[Part, ...] = Field(
        description="the parts that are trained; the others stay as they are. `tokenizer-last-block` is the last block "
        "alone of a vision transformer"
    )
    rates: dict[Part, Annotated[float, Field(gt=0)]] = Field(
        {}, description="each trained part's share of the learning rate; 1 if not named"
    )
    connector: Connector = Resampler()
    tap: Tap = Tap()
    follows: Follows | None = Field(None, description="the stage before this one, if there is one")
    learns: Literal["answers", "image-text"] = Field(
        "answers",
        description="what the training is of: answers of the language model; or images with their captions, by a "
        "Q-Former alone (BLIP-2's first stage)",
    )
    tokenizer_loss: float = Field(
        0.0,
        ge=0,
        description="weight of the loss that made a tokenizer with a codebook, beside that of answers (ETT)",
    )
    optimiser: Optimiser
    steps: int = Field(gt=0)
    batch: int = Field(gt=0, description="images a step, over all processes")
    turns: dict[TaskKind, int] = Field(description="questions of each kind asked about one image of a step")
    turns_a_sample: int | None = Field(
        None, gt=0, description="the most questions of all kinds together; all of `turns` if not given"
    )
    prompts: dict[TaskKind, str] = Field(
        description="what each kind's training turn says; {question} is replaced"
    )
    short_answer_weight: float = Field(1.0, gt=0, description="loss weight of answers other than captions")
    horizontal_flip: bool = True
    crop_scale: tuple[float, float] = (1.0, 1.0)
    original: Annotated[Original | None, LABEL] = Field(
        None, description="the published model that it is the recipe of, by its parts"
    )
    otherwise: Annotated[str, LABEL] = Field(
        "", description="what it does otherwise than the published model that it is the recipe of"
    )
    sources: Annotated[dict[str, str], NOTE] = Field({}, description="where each number comes from")

    @property
    def tunes_tokenizer(self) -> bool:
        """Whether the tokenizer does not stay as it is, whole or in part."""
        return not TOKENIZER_PARTS.isdisjoint(self.trains)

    def learnt_of_tokenizer(self, parameters: float, width: int) -> float:
        """Returns how many parameters of an encoder are trained.

        Args:
            parameters: of the encoder.
            width: of its tokens; a block of a vision transformer has 12 width^2 + 13 width, with hidden layers four
                times as wide (ViT, arXiv 2010.11929).
        """
        if "tokenizer-last-block" in self.trains:
            return min(parameters, 12 * width**2 + 13 * width)
        return parameters if "tokenizer" in self.trains else 0

    @property
    def learner(self) -> str:
        """The kind of training, a module of `vistok.steps.learners`."""
        return "tokenizer-loss" if self.tokenizer_loss else self.learns

    @model_validator(mode="after")
    def _trains_what_it_makes(self) -> Self:
        if "connector" not in self.trains or len(set(self.trains)) < len(self.trains):
            raise ValueError(
                f"`trains` names each trained part once, and the connector, which nothing else makes; found "
                f"{[*self.trains]}"
            )
        if "tokenizer-last-block" in self.trains and ("tokenizer" in self.trains or self.tap.block != "last"):
            raise ValueError(
                "`tokenizer-last-block` is a part of the tokenizer: name either of the two under `trains`, and no "
                "`tap` in front of that block"
            )
        if idle := sorted(self.rates.keys() - set(self.trains)):
            raise ValueError(f"`rates` names {idle[0]!r}, which `trains` does not: {[*self.trains]}")
        if self.tokenizer_loss and "tokenizer" not in self.trains:
            raise ValueError(
                f"`tokenizer_loss` is of a tokenizer that is trained, and `trains` has none: {[*self.trains]}"
            )
        return self

    @model_validator(mode="after")
    def _has_the_stages_that_it_needs(self) -> Self:
        if self.connector.made_elsewhere and self.follows is None:
            raise ValueError(
                f"a part of a {self.connector.kind} stays as another recipe trained it: name that under `follows`"
            )
        if self.learns == "image-text" and (
            self.connector.kind != "q-former"
            or self.trains != ("connector",)
            or {kind for kind, count in self.turns.items() if count} != {"caption"}
        ):
            raise ValueError(
                "`learns: image-text` is for a connector of kind q-former, trained alone on turns of kind caption"
            )
        return self
