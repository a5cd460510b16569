"""Connectors as a recipe states them: one value per kind, which knows its size (mllm/connectors has the modules)."""

from typing import Annotated, Literal

from pydantic import Field

from vistok.grid.value import Value


class _AnyConnector(Value):
    """What every kind can be told."""

    whiten: bool = Field(
        False,
        description="whiten the tokens before the connector's own layers, by statistics of images that training sees",
    )


class Resampler(_AnyConnector):
    """A Perceiver Resampler with a norm and a projection (released code: perceiver.py, modeling_gvt.py, config.py)."""

    kind: Literal["resampler"] = "resampler"
    latents: int = Field(32, gt=0)
    depth: int = Field(6, gt=0)
    heads: int = Field(16, gt=0)
    head_width: int = Field(96, gt=0)
    feedforward_multiple: int = Field(4, gt=0)

    def tokens(self, seen: int) -> int:
        """Returns how many visual tokens the language model reads, of the `seen` ones of an image encoder."""
        return self.latents

    def parameters(self, width: int, llm_width: int) -> int:
        """Returns the number of parameters between an encoder and a language model of these widths."""
        inner = self.heads * self.head_width
        attention = 4 * width + 4 * width * inner  # two norms; query, key, value, out
        feedforward = 2 * width + 2 * width * width * self.feedforward_multiple
        resampler = (self.latents + 1) * width + self.depth * (attention + feedforward) + 2 * width
        return 2 * width + resampler + (width + 1) * llm_width

    def operations(self, seen: int, width: int, llm_width: int) -> float:
        """Returns the floating-point operations of a forward pass for one image."""
        keys_and_values = 2 * width * self.heads * self.head_width * self.depth  # of the image's tokens too
        return 2.0 * (self.parameters(width, llm_width) * self.latents + keys_and_values * seen)


class Linear(_AnyConnector):
    """One linear layer on every token of the image encoder, as LLaVA has it (arXiv 2304.08485 section 4.1)."""

    kind: Literal["linear"] = "linear"

    def tokens(self, seen: int) -> int:
        """Returns how many visual tokens the language model reads: all `seen` ones of an image encoder."""
        return seen

    def parameters(self, width: int, llm_width: int) -> int:
        """Returns the number of parameters between an encoder and a language model of these widths."""
        return (width + 1) * llm_width

    def operations(self, seen: int, width: int, llm_width: int) -> float:
        """Returns the floating-point operations of a forward pass for one image."""
        return 2.0 * self.parameters(width, llm_width) * seen


Connector = Annotated[Resampler | Linear, Field(discriminator="kind")]
ConnectorKind = Literal["resampler", "linear"]
