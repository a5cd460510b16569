"""Language models: their entries, and what plans ask of each kind's size (mllm/language_models has the models)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field

from vistok.grid.fields import DIGEST_OF_WEIGHTS, REVISION_OF_WEIGHTS, Commit, Digest, Id, Label
from vistok.grid.marks import LABEL, LOADED, MACHINE, MADE, NOTE
from vistok.grid.value import Value

LanguageModelKind = Literal["causal", "encoder-decoder"]
OWN_VOCABULARY: Final = 84  # words of the mini world


@dataclass(frozen=True)
class Shape(ABC):
    """The size of a language model.

    Attributes:
        config: what `width` and `layers` are called in a published config.json.
        reads_once: whether questions about one image read what is before them once for all.
        parameters: with embeddings and output layer.
        layers: of a stack.
    """

    config: ClassVar[dict[str, str]]
    reads_once: ClassVar[bool] = False
    parameters: float
    width: int
    layers: int
    vocabulary: int

    @classmethod
    @abstractmethod
    def own(cls, width: int, layers: int, feedforward: int, heads: int, vocabulary: int) -> Self:
        """Returns the shape of a model that a scale makes itself."""

    @abstractmethod
    def reading(self, tokens: float) -> float:
        """Returns the operations of reading so many tokens of prompts."""

    @abstractmethod
    def writing(self, tokens: float) -> float:
        """Returns the operations of writing so many tokens of answers."""

    @abstractmethod
    def learning(self, front: float, text: float, turns: float) -> float:
        """Returns the operations of a forward pass over a sample: its front, and the text of all its turns."""

    @abstractmethod
    def passed(self, front: float, text: float, turns: float) -> float:
        """Returns how many numbers a sample is along its way: tokens x layers x width."""


@dataclass(frozen=True)
class Causal(Shape):
    """One stack, which reads and writes: Llama's."""

    config = {"width": "hidden_size", "layers": "num_hidden_layers"}
    reads_once = True

    @classmethod
    def own(cls, width: int, layers: int, feedforward: int, heads: int, vocabulary: int) -> Self:
        layer = 4 * width**2 + 3 * width * feedforward + 2 * width
        return cls(vocabulary * width + layers * layer + width, width, layers, vocabulary)

    def reading(self, tokens: float) -> float:
        return 2 * self.parameters * tokens

    def writing(self, tokens: float) -> float:
        return 2 * self.parameters * tokens

    def learning(self, front: float, text: float, turns: float) -> float:
        return 2 * self.parameters * (front + text)

    def passed(self, front: float, text: float, turns: float) -> float:
        return self.width * self.layers * (front + text)


@dataclass(frozen=True)
class EncoderDecoder(Shape):
    """Two stacks of as many layers, the second with cross-attention: T5's, with gated feed-forward parts."""

    config = {"width": "d_model", "layers": "num_layers"}
    encoder_share: ClassVar[float] = (
        3 / 7
    )  # of a T5 of version 1.1, where the feed-forward part has 2.5 widths

    @classmethod
    def own(cls, width: int, layers: int, feedforward: int, heads: int, vocabulary: int) -> Self:
        attention, gated = 4 * width**2 + width, 3 * width * feedforward + width
        positions = 2 * 32 * heads  # buckets of the relative position, in either stack
        stacks = layers * (3 * attention + 2 * gated) + 2 * width + positions
        return cls(vocabulary * width + stacks, width, layers, vocabulary)

    def reading(self, tokens: float) -> float:
        return 2 * self.parameters * self.encoder_share * tokens

    def writing(self, tokens: float) -> float:
        return 2 * self.parameters * (1 - self.encoder_share) * tokens

    def learning(self, front: float, text: float, turns: float) -> float:
        """Each turn is encoded with all turns before it: half of the text, on the average."""
        return self.reading(turns * (front + text / 2)) + self.writing(text)

    def passed(self, front: float, text: float, turns: float) -> float:
        return self.width * self.layers * (turns * (front + text / 2) + text)


SHAPES: Final[dict[LanguageModelKind, type[Shape]]] = {"causal": Causal, "encoder-decoder": EncoderDecoder}


class LanguageModel(Value):
    """A language model; frozen where a recipe's `trains` does not name it."""

    id: Id
    label: Annotated[Label, LABEL]
    kind: LanguageModelKind = "causal"
    weights: Annotated[str, LOADED] = Field(
        min_length=1,
        description="a transformers name, a local folder, or a local file in GGUF; `random`: a scale that makes its "
        "own leaves it untrained",
    )
    width: Annotated[int, MACHINE] = Field(gt=0)
    layers: Annotated[int, MACHINE] = Field(gt=0, description="of an encoder and its decoder each")
    vocabulary: Annotated[int, MACHINE] = Field(gt=0)
    parameters_m: Annotated[float, MACHINE] = Field(
        gt=0, description="millions, embeddings and output layer included"
    )
    base: Annotated[Id | None, MADE] = Field(None, description="the model that this one is tuned from")
    revision: Annotated[Commit | None, NOTE] = Field(None, description=REVISION_OF_WEIGHTS)
    digest: Annotated[Digest | None, NOTE] = Field(None, description=DIGEST_OF_WEIGHTS)
    source: Annotated[str, NOTE]

    @property
    def random(self) -> bool:
        """Whether a scale leaves its weights as they are drawn: a recipe trains it from scratch."""
        return self.weights == "random"

    @property
    def shape(self) -> Shape:
        """The published model's size, as plans ask for it."""
        return SHAPES[self.kind](self.parameters_m * 1e6, self.width, self.layers, self.vocabulary)
