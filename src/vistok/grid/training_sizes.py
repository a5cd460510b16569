"""The sizes of what a scale trains itself: pretrainings of tokenizers, and language models."""

from pydantic import Field

from vistok.grid.fields import RelativePath, TaskKind
from vistok.grid.language_models import SHAPES, LanguageModelKind, Shape
from vistok.grid.recipes import Optimiser
from vistok.grid.value import Value


class Pretraining(Value):
    """The size of one supervision's pretraining."""

    steps: int = Field(ge=0, description="0: the encoder as it starts")
    batch: int = Field(gt=0)
    optimiser: Optimiser
    options: dict[str, float] = {}


class TextTraining(Value):
    """The size of one stage of a self-made language model's training on text."""

    corpus: RelativePath
    steps: int = Field(gt=0)
    batch: int = Field(gt=0)
    optimiser: Optimiser


class LanguageModelSize(Value):
    """A self-made language model: Llama-type where it is causal, T5-type where it is an encoder-decoder."""

    width: int = Field(gt=0)
    layers: int = Field(gt=0)
    heads: int = Field(gt=0)
    feedforward: int = Field(gt=0)
    context: int = Field(gt=0)
    pretraining: TextTraining
    instruction_tuning: TextTraining
    short_answer_weight: float = Field(
        1.0, gt=0, description="loss weight of one-word answers in instructions"
    )
    gate: dict[TaskKind, float] = Field({}, description="least text-only accuracy, in per cent")

    def shape(self, kind: LanguageModelKind, vocabulary: int) -> Shape:
        """Returns the size of a model of a kind, as plans ask for it."""
        return SHAPES[kind].own(self.width, self.layers, self.feedforward, self.heads, vocabulary)
