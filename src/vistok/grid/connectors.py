"""Connectors as a recipe states them: one value per kind, which knows its size (mllm/connectors has the modules)."""

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from vistok.grid.value import Value

_WORDS: Final = 32  # that a language model's own layers read an image for, about: a question and its answer


class _AnyConnector(Value, ABC):
    """The settings of every kind, and what plans and tables need of it besides its size."""

    made_elsewhere: ClassVar[bool] = False  # whether a part of it is not trained by the recipe that names it

    whiten: bool = Field(
        False,
        description="whiten the tokens before the connector's own layers, by statistics of images that training sees",
    )

    @abstractmethod
    def tokens(self, image_tokens: int) -> int:
        """Returns how many visual tokens the language model reads, of the `image_tokens` ones of an image encoder."""

    def front(self, image_tokens: int) -> int:
        """Returns how many of them precede the text."""
        return self.tokens(image_tokens)

    @abstractmethod
    def parameters(self, width: int, llm_width: int) -> int:
        """Returns the number of parameters between an encoder and a language model of these widths."""

    @abstractmethod
    def operations(self, image_tokens: int, width: int, llm_width: int) -> float:
        """Returns the floating-point operations of a forward pass for one image."""

    def trained(self, width: int, llm_width: int) -> int:
        """Returns how many of its parameters training changes."""
        return self.parameters(width, llm_width)


class _Latents(_AnyConnector):
    """A Perceiver Resampler."""

    latents: int = Field(32, gt=0)
    depth: int = Field(6, gt=0)
    heads: int = Field(16, gt=0)
    head_width: int = Field(96, gt=0)
    feedforward_multiple: int = Field(4, gt=0)

    def tokens(self, image_tokens: int) -> int:
        return self.latents

    def resampler_parameters(self, width: int) -> int:
        """Returns the number of parameters of the resampler alone."""
        inner = self.heads * self.head_width
        attention = 4 * width + 4 * width * inner  # two norms; query, key, value, out
        feedforward = 2 * width + 2 * width * width * self.feedforward_multiple
        return (self.latents + 1) * width + self.depth * (attention + feedforward) + 2 * width

    def keys_and_values(self, width: int) -> int:
        """Returns the parameters that every token of the image passes."""
        return 2 * width * self.heads * self.head_width * self.depth


class Resampler(_Latents):
    """A Perceiver Resampler with a norm and a projection (released code: perceiver.py, modeling_gvt.py, config.py)."""

    kind: Literal["resampler"] = "resampler"
    gain: float = Field(
        1.0,
        gt=0,
        description="what the projection is multiplied by before the first step: how loud visual tokens start",
    )
    orthogonal: bool = Field(
        False,
        description="start the latents and the weights of linear layers as orthogonal matrices of the same norms",
    )
    token_feedforward_multiple: int = Field(
        0,
        ge=0,
        description="how much wider a feed-forward layer on each token is, before the latents attend; 0: none",
    )

    def parameters(self, width: int, llm_width: int) -> int:
        resampler = self.token_feedforward_parameters(width) + self.resampler_parameters(width)
        return 2 * width + resampler + (width + 1) * llm_width

    def token_feedforward_parameters(self, width: int) -> int:
        """Returns the number of parameters of the layer on each token, with its norm."""
        multiple = self.token_feedforward_multiple
        return 2 * width + 2 * width * width * multiple if multiple else 0

    def operations(self, image_tokens: int, width: int, llm_width: int) -> float:
        every_token = self.token_feedforward_parameters(width) + self.keys_and_values(width)
        every_latent = self.parameters(width, llm_width) - self.token_feedforward_parameters(width)
        return 2.0 * (every_latent * self.latents + every_token * image_tokens)


class Linear(_AnyConnector):
    """One linear layer on every token of the image encoder, as LLaVA has it (arXiv 2304.08485 section 4.1)."""

    kind: Literal["linear"] = "linear"

    def tokens(self, image_tokens: int) -> int:
        return image_tokens

    def parameters(self, width: int, llm_width: int) -> int:
        return (width + 1) * llm_width

    def operations(self, image_tokens: int, width: int, llm_width: int) -> float:
        return 2.0 * self.parameters(width, llm_width) * image_tokens


class Mlp(_AnyConnector):
    """Two linear layers with a GELU between them on every token, as ETT has them (arXiv 2505.10562 section 3.2)."""

    kind: Literal["mlp"] = "mlp"

    def tokens(self, image_tokens: int) -> int:
        return image_tokens

    def parameters(self, width: int, llm_width: int) -> int:
        return (width + 1) * llm_width + (llm_width + 1) * llm_width

    def operations(self, image_tokens: int, width: int, llm_width: int) -> float:
        return 2.0 * self.parameters(width, llm_width) * image_tokens


class _Queries(_AnyConnector):
    """A Q-Former: a BERT of learnt queries, every so-many-th layer of which looks at the image."""

    queries: int = Field(32, gt=0)
    width: int = Field(768, gt=0)
    depth: int = Field(12, gt=0)
    heads: int = Field(12, gt=0)
    feedforward_multiple: int = Field(4, gt=0)
    every: int = Field(
        2, gt=0, description="layers from one that looks at the image to the next; the first does"
    )

    def tokens(self, image_tokens: int) -> int:
        return self.queries

    @property
    def looks(self) -> int:
        """How many layers look at the image."""
        return -(-self.depth // self.every)

    def parameters(self, width: int, llm_width: int) -> int:
        own, norm = self.width, 2 * self.width
        attention = 4 * (own + 1) * own + norm
        looking = 2 * (own + 1) * own + 2 * (width + 1) * own + norm
        inner = own * self.feedforward_multiple
        feedforward = (own + 1) * inner + (inner + 1) * own + norm
        layers = self.depth * (attention + feedforward) + self.looks * looking
        return 2 * width + self.queries * own + norm + layers + self.projection(llm_width)

    def projection(self, llm_width: int) -> int:
        """Returns the parameters of the layer between the queries and the language model."""
        return (self.width + 1) * llm_width

    def operations(self, image_tokens: int, width: int, llm_width: int) -> float:
        keys_and_values = 2 * width * self.width * self.looks
        return 2.0 * (self.parameters(width, llm_width) * self.queries + keys_and_values * image_tokens)


class QFormer(_Queries):
    """BLIP-2's querying transformer and its projection (arXiv 2301.12597 section 3.1; sizes: BERT-base)."""

    kind: Literal["q-former"] = "q-former"


class FrozenQFormer(_Queries):
    """A Q-Former as another recipe has trained it, and a new projection: MiniGPT-4 (arXiv 2304.10592 section 3)."""

    made_elsewhere: ClassVar[bool] = True
    kind: Literal["frozen-q-former"] = "frozen-q-former"

    def trained(self, width: int, llm_width: int) -> int:
        return self.projection(llm_width)


class GatedCrossAttention(_Latents):
    """Flamingo's resampler and the gated layers that it puts into a language model (arXiv 2204.14198 section 2)."""

    kind: Literal["gated-cross-attention"] = "gated-cross-attention"
    latents: int = Field(64, gt=0)
    head_width: int = Field(128, gt=0)
    layers: int = Field(10, gt=0, description="gated layers, spread evenly over those of the language model")
    gate: float = Field(
        0.0,
        description="what gates start at, before their tanh: at 0 they are shut, and words pass unchanged",
    )

    def front(self, image_tokens: int) -> int:
        return 0

    def parameters(self, width: int, llm_width: int) -> int:
        return self.resampler_parameters(width) + self.layers * self.layer_parameters(width, llm_width)

    def layer_parameters(self, width: int, llm_width: int) -> int:
        """Returns the number of parameters of one gated layer."""
        attention = 2 * self.heads * self.head_width * (llm_width + width)
        return 4 * llm_width + attention + 2 * llm_width**2 * self.feedforward_multiple + 2

    def operations(self, image_tokens: int, width: int, llm_width: int) -> float:
        """Returns the floating-point operations of a forward pass for one image, and for the words behind it."""
        resampled = (
            self.resampler_parameters(width) * self.latents + self.keys_and_values(width) * image_tokens
        )
        read = self.layers * self.layer_parameters(width, llm_width) * max(_WORDS, self.latents)
        return 2.0 * (resampled + read)


Connector = Annotated[
    Resampler | Linear | Mlp | QFormer | FrozenQFormer | GatedCrossAttention, Field(discriminator="kind")
]
ConnectorKind = Literal["resampler", "linear", "mlp", "q-former", "frozen-q-former", "gated-cross-attention"]
