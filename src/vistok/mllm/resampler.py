"""The Perceiver Resampler of the released code (visual_modules/perceiver.py): tokens in, latents out."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from vistok.grid.values import Resampler


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
        query = self._split(self.query(latents))
        attended = functional.scaled_dot_product_attention(query, self._split(key), self._split(value))
        merged: Tensor = self.out(attended.transpose(1, 2).flatten(2))
        return merged

    def _split(self, part: Tensor) -> Tensor:
        return part.reshape(*part.shape[:2], self.heads, -1).transpose(1, 2)


class PerceiverResampler(nn.Module):
    """`depth` layers of attention and feed-forward over learnt latents; no dropout, no biases."""

    def __init__(self, width: int, size: Resampler) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(size.latents, width))
        self.media_position = nn.Parameter(torch.randn(1, width))
        self.attention = nn.ModuleList(
            PerceiverAttention(width, size.heads, size.head_width) for _ in range(size.depth)
        )
        self.feedforward = nn.ModuleList(
            _feedforward(width, size.feedforward_multiple) for _ in range(size.depth)
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


def _feedforward(width: int, multiple: int) -> nn.Module:
    return nn.Sequential(
        nn.LayerNorm(width),
        nn.Linear(width, width * multiple, bias=False),
        nn.GELU(),
        nn.Linear(width * multiple, width, bias=False),
    )
