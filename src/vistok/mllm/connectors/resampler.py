"""The released connector: a norm, the Perceiver Resampler (visual_modules/perceiver.py) and a projection."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vistok.grid.connectors import GatedCrossAttention, Resampler
from vistok.mllm.connectors.base import Connector
from vistok.mllm.heads import attend


def build(value: Resampler, width: int, llm_width: int) -> "ResamplerConnector":
    return ResamplerConnector(value, width, llm_width)


class ResamplerConnector(Connector):
    """A LayerNorm, the resampler and a projection (released code: modeling_gvt.py).

    The paper says that only the resampler is optimised; the released code trains the norm and the projection too. Three
    options are this project's (docs/mini-scale.md): `gain`, as visual tokens grow to several times their first size
    while a training goes on, and at a scale of few steps they may start there; a feed-forward layer on each token,
    without which the latents' attention reads only what is linear in a token; and an orthogonal start (arXiv
    1312.6120), for an unlucky random one is not made good in few steps.
    """

    def __init__(self, size: Resampler, width: int, llm_width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        multiple = size.token_feedforward_multiple
        self.token_feedforward = _feedforward(width, multiple, nn.GELU()) if multiple else None
        self.resampler = PerceiverResampler(width, size)
        self.projection = nn.Linear(width, llm_width)
        if size.orthogonal:
            self._start_orthogonal()
        with torch.no_grad():
            for parameter in self.projection.parameters():
                parameter.mul_(size.gain)

    @torch.no_grad()
    def _start_orthogonal(self) -> None:
        layers = [layer.weight for layer in self.modules() if isinstance(layer, nn.Linear)]
        for matrix in [self.resampler.latents, *layers]:
            norm = matrix.norm()
            nn.init.orthogonal_(matrix)
            matrix.mul_(norm / matrix.norm())

    def connect(
        self, tokens: Float[Tensor, "batch tokens width"], questions: Sequence[str] | None = None
    ) -> Float[Tensor, "batch latents llm_width"]:
        tokens = self.norm(tokens)
        if self.token_feedforward is not None:
            tokens = tokens + self.token_feedforward(tokens)
        projected: Tensor = self.projection(self.resampler(tokens))
        return projected


class PerceiverAttention(nn.Module):
    """Latents attend to the visual tokens and to themselves."""

    def __init__(self, width: int, heads: int, head_width: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_media = nn.LayerNorm(width)
        self.norm_latents = nn.LayerNorm(width)
        self.query = nn.Linear(width, heads * head_width, bias=False)
        self.key_value = nn.Linear(width, 2 * heads * head_width, bias=False)
        self.out = nn.Linear(heads * head_width, width, bias=False)

    def forward(
        self, media: Float[Tensor, "batch tokens width"], latents: Float[Tensor, "batch latents width"]
    ) -> Float[Tensor, "batch latents width"]:
        latents = self.norm_latents(latents)
        context = torch.cat([self.norm_media(media), latents], dim=1)
        key, value = self.key_value(context).chunk(2, dim=-1)
        merged: Tensor = self.out(attend(self.query(latents), key, value, self.heads))
        return merged


class PerceiverResampler(nn.Module):
    """`depth` layers of attention and feed-forward over learnt latents; no dropout, no biases."""

    def __init__(
        self, width: int, size: Resampler | GatedCrossAttention, activation: Callable[[], nn.Module] = nn.GELU
    ) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(size.latents, width))
        self.media_position = nn.Parameter(torch.randn(1, width))
        self.attention = nn.ModuleList(
            PerceiverAttention(width, size.heads, size.head_width) for _ in range(size.depth)
        )
        self.feedforward = nn.ModuleList(
            _feedforward(width, size.feedforward_multiple, activation()) for _ in range(size.depth)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, media: Float[Tensor, "batch tokens width"]) -> Float[Tensor, "batch latents width"]:
        media = media + self.media_position
        latents = self.latents.expand(len(media), -1, -1)
        for attention, feedforward in zip(self.attention, self.feedforward, strict=True):
            latents = latents + attention(media, latents)
            latents = latents + feedforward(latents)
        resampled: Tensor = self.norm(latents)
        return resampled


def _feedforward(width: int, multiple: int, activation: nn.Module) -> nn.Module:
    return nn.Sequential(
        nn.LayerNorm(width),
        nn.Linear(width, width * multiple, bias=False),
        activation,
        nn.Linear(width * multiple, width, bias=False),
    )
