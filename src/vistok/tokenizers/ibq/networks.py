"""The convolutional encoder and decoder of IBQ: VQGAN's (arXiv 2012.09841), and small ones of the same blocks."""

from collections.abc import Sequence
from typing import Final

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from vistok.grid.ett import NetworkSize

_GROUPS: Final = 32
_COLOURS: Final = 3


def norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(_GROUPS, channels, eps=1e-6)


class Residual(nn.Module):
    """Two 3 x 3 convolutions, each after norm and swish; the shortcut is a 1 x 1 one if the width changes."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.first = nn.Sequential(norm(channels), nn.SiLU(), nn.Conv2d(channels, out, 3, padding=1))
        self.second = nn.Sequential(norm(out), nn.SiLU(), nn.Conv2d(out, out, 3, padding=1))
        self.shortcut = nn.Identity() if channels == out else nn.Conv2d(channels, out, 1)

    def forward(self, maps: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D H W"]:
        added: Tensor = self.shortcut(maps) + self.second(self.first(maps))
        return added


class Attention(nn.Module):
    """One head over all positions of a map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = norm(channels)
        self.read = nn.Conv2d(channels, 3 * channels, 1)
        self.project = nn.Conv2d(channels, channels, 1)

    def forward(self, maps: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        projections = self.read(self.norm(maps)).flatten(2).transpose(1, 2).chunk(3, dim=-1)
        mixed = functional.scaled_dot_product_attention(*projections)
        added: Tensor = maps + self.project(mixed.transpose(1, 2).reshape(maps.shape))
        return added


class Down(nn.Module):
    """Halves a map; VQGAN pads only below and to the right."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, maps: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H/2 W/2"]:
        halved: Tensor = self.conv(functional.pad(maps, (0, 1, 0, 1)))
        return halved


class Up(nn.Module):
    """Doubles a map by nearest-neighbour upsampling."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, 3, padding=1)

    def forward(self, maps: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D 2*H 2*W"]:
        doubled: Tensor = self.conv(functional.interpolate(maps, scale_factor=2.0, mode="nearest"))
        return doubled


def _level(channels: int, out: int, blocks: int, *, attention: bool) -> list[nn.Module]:
    """Returns the blocks of one map size, each followed by attention if requested."""
    layers: list[nn.Module] = []
    for block in range(blocks):
        layers.append(Residual(out if block else channels, out))
        layers += [Attention(out)] if attention else []
    return layers


def _middle(channels: int, size: NetworkSize) -> list[nn.Module]:
    if not size.attention:
        return []
    return [Residual(channels, channels), Attention(channels), Residual(channels, channels)]


def _between(channels: int, out: int, size: NetworkSize) -> nn.Module:
    """Returns the convolution between blocks and codes."""
    return nn.Conv2d(channels, out, 1) if size.lean else nn.Conv2d(channels, out, 3, padding=1)


class Encoder(nn.Module):
    """From images to one vector per position; `linear` adds a skip path around all blocks.

    The smallest maps have attention, if there is any.
    """

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        widths, stem = size.widths, size.stem
        layers: list[nn.Module] = [
            nn.Conv2d(_COLOURS, size.channels, max(3, stem), stride=stem, padding=int(stem == 1))
        ]
        before = size.channels
        for level, (width, blocks) in enumerate(zip(widths, size.blocks, strict=True)):
            last = level == len(widths) - 1
            layers += _level(before, width, blocks, attention=last and size.attention)
            before = width if blocks else before
            layers += [] if last else [Down(before)]
        layers += [*_middle(before, size), norm(before), nn.SiLU(), _between(before, size.width, size)]
        self.blocks = nn.Sequential(*layers)
        self.linear = (
            nn.Conv2d(_COLOURS, size.width, size.stride, stride=size.stride) if size.linear else None
        )

    def forward(self, images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B D H W"]:
        encoded: Tensor = self.blocks(images)
        return encoded if self.linear is None else encoded + self.linear(images)


class Decoder(nn.Module):
    """From one vector per position to images: the mirrored encoder, with one more block per map size unless lean."""

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        widths: Sequence[int] = size.widths[::-1]
        layers = [_between(size.width, widths[0], size), *_middle(widths[0], size)]
        before = widths[0]
        for level, (width, blocks) in enumerate(zip(widths, size.blocks[::-1], strict=True)):
            layers += _level(before, width, blocks + (not size.lean), attention=not level and size.attention)
            before = width
            if level < len(widths) - 1:
                before = widths[level + 1] if size.lean else width
                layers.append(Up(width, before))
        layers += [norm(before), nn.SiLU(), nn.Conv2d(before, _COLOURS * size.stem**2, 3, padding=1)]
        self.blocks = nn.Sequential(*layers, nn.PixelShuffle(size.stem))
        pixels = _COLOURS * size.stride**2
        linear = nn.Sequential(nn.Conv2d(size.width, pixels, 1), nn.PixelShuffle(size.stride))
        self.linear = linear if size.linear else None

    def forward(self, embeddings: Float[Tensor, "B D H W"]) -> Float[Tensor, "B 3 S S"]:
        painted: Tensor = self.blocks(embeddings)
        return painted if self.linear is None else painted + self.linear(embeddings)
