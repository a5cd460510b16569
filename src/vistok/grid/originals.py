"""What a published model is made of, and what its authors say of its size: for tables that set ours beside it."""

from typing import Literal

from pydantic import Field, model_validator

from vistok.grid.connectors import Connector
from vistok.grid.value import Value

Component = Literal["visual-tokens", "tokenizer", "connector", "connector-trained", "llm", "total"]


class OriginalPart(Value):
    """An image encoder or a language model that a published model has."""

    label: str
    width: int = Field(gt=0, description="of its tokens, or its embeddings")
    parameters_m: float = Field(gt=0, description="millions; of an encoder without its head")
    counted: bool = Field(
        True, description="whether a test builds it and counts; else its authors alone say so"
    )
    tokens: int = Field(1, gt=0, description="that an encoder gives of one image")


class ReleasedParts(Value):
    """What a released model is made of, in millions of parameters; its language model is all the rest."""

    tokenizer_m: float = Field(gt=0)
    connector_m: float = Field(gt=0)
    connector_trained_m: float | None = Field(None, gt=0, description="where that was not all of it")
    trains: tuple[Literal["connector", "llm", "tokenizer"], ...] = Field(
        ("connector",), description="what the last stage of its training changed"
    )
    images: str = Field(description="what its training saw, in the words of its source")


class Stated(Value):
    """A number that the model's authors, or the paper, print of one of its parts."""

    of: Component
    value: float = Field(gt=0, description="millions of parameters, or tokens")
    differs: str = Field(
        "", description="why what is counted is further from it than half a per cent, if it is"
    )
    source: str


class Original(Value):
    """A published model by its parts: what is counted at its own size, and what is stated."""

    tokenizer: OriginalPart
    connector: Connector
    llm: OriginalPart
    images: str = Field(description="what its training saw, in the words of its source")
    stated: tuple[Stated, ...] = ()
    source: str

    @model_validator(mode="after")
    def _is_stated_once(self) -> "Original":
        parts = [entry.of for entry in self.stated]
        if len(set(parts)) < len(parts):
            raise ValueError(f"`stated` says of each part once, found {parts}")
        return self
