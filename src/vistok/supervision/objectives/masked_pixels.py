"""Masked pixels: an encoder sees a quarter of the patches, a decoder paints the rest (MAE, He et al. 2022)."""

from collections.abc import Mapping
from typing import ClassVar, Final

import torch
from jaxtyping import Float, Int64
from timm.layers.pos_embed_sincos import build_sincos2d_pos_embed
from timm.models.vision_transformer import Block, VisionTransformer
from torch import Tensor, nn
from typing_extensions import override

from vistok.supervision import augment
from vistok.supervision.base import Objective, Setup
from vistok.supervision.data import Examples
from vistok.supervision.draws import Draws
from vistok.supervision.encoder import embed, encode, initialise

_DEFAULTS: Final = {
    "mask_ratio": 0.75,  # MAE figure 5
    "decoder_width": 64,  # MAE table 1b: 512, two thirds of the encoder's 768
    "decoder_depth": 1,  # MAE table 1a: 8; one block does as well after fine-tuning, at the least cost
    "decoder_heads": 2,  # MAE code: 16, of width 32
    "normalised_targets": 1,  # MAE section 3; 0: the pixels as they are, its table 1d
    "aligned": 0,  # 1: whole images, in place of resized crops
    "crop_least": 0.5,  # MAE code: 0.2; a mini object fills a ninth of its image
}


class MaskedPixels(Objective):
    """An asymmetric autoencoder; only the encoder is kept.

    The patch embedding starts whitened as under every objective here; MAE's starts at Glorot's scale.
    """

    places: Tensor
    defaults: ClassVar[Mapping[str, float]] = _DEFAULTS
    shares_batches: ClassVar[bool] = True

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        rows, columns = self.encoder.patch_embed.grid_size
        self.patch = self.encoder.patch_embed.patch_size[0]
        self.patches = rows * columns
        width = int(self.options["decoder_width"])
        self.enter = nn.Linear(self.encoder.embed_dim, width)
        self.mask_token = nn.Parameter(torch.empty(1, width))
        blocks = (
            Block(width, int(self.options["decoder_heads"]))
            for _ in range(int(self.options["decoder_depth"]))
        )
        self.decoder = nn.Sequential(*blocks, nn.LayerNorm(width, eps=1e-6))
        self.paint = nn.Linear(width, 3 * self.patch**2)
        positions = build_sincos2d_pos_embed([rows, columns], width)
        self.register_buffer("places", torch.cat([torch.zeros(1, width), positions]))
        for module in (self.enter, self.decoder, self.paint):
            initialise(module)
        nn.init.normal_(self.mask_token, std=0.02)

    @override
    def untrained(self, setup: Setup) -> VisionTransformer:
        """Returns an encoder whose positions stay sines and cosines, the class token's zero (MAE code)."""
        encoder = super().untrained(setup)
        assert encoder.pos_embed is not None
        encoder.pos_embed.requires_grad_(False)[:, :1] = 0.0
        return encoder

    @override
    def views(
        self,
        images: Float[Tensor, "batch 3 height width"],
        examples: Examples,
        draws: Draws,
    ) -> dict[str, Tensor]:
        images = self.crops(images, draws, self.size, (self.options["crop_least"], 1.0))
        order = torch.from_numpy(draws.random(self.patches).argsort(axis=1))
        count = int(self.patches * (1 - self.options["mask_ratio"]))  # MAE code: what is left over is hidden
        normalised = augment.normalise(images, self.normalisation)
        return {"images": normalised, "visible": order[:, :count], "hidden": order[:, count:]}

    @override
    def loss(self, batch: dict[str, Tensor], step: int) -> Float[Tensor, ""]:
        painted = self.reconstruct(batch["images"], batch["visible"])
        targets = patches_of(batch["images"], self.patch)
        if self.options["normalised_targets"]:
            targets = normalised(targets)
        return (take(painted, batch["hidden"]) - take(targets, batch["hidden"])).square().mean()

    def reconstruct(
        self, images: Float[Tensor, "batch 3 size size"], visible: Int64[Tensor, "batch kept"]
    ) -> Float[Tensor, "batch patches values"]:
        """Returns every patch as the decoder paints it from the visible ones."""
        embedded = embed(self.encoder, images)
        seen = torch.cat([embedded[:, :1], take(embedded[:, 1:], visible)], dim=1)
        seen = self.enter(encode(self.encoder, seen))
        blank = self.mask_token.expand(len(images), self.patches, -1)
        where = visible.unsqueeze(-1).expand(-1, -1, seen.shape[-1])
        full = torch.cat([seen[:, :1], blank.scatter(1, where, seen[:, 1:])], dim=1)
        painted: Tensor = self.paint(self.decoder(full + self.places)[:, 1:])
        return painted


def take(
    patches: Float[Tensor, "batch patches values"], indices: Int64[Tensor, "batch count"]
) -> Float[Tensor, "batch count values"]:
    """Returns the chosen patches of each image, in the order of `chosen`."""
    return patches.gather(1, indices.unsqueeze(-1).expand(-1, -1, patches.shape[-1]))


def patches_of(
    images: Float[Tensor, "batch 3 height width"], patch: int
) -> Float[Tensor, "batch patches values"]:
    """Returns the pixels of each patch."""
    batch, channels, height, width = images.shape
    cut = images.view(batch, channels, height // patch, patch, width // patch, patch)
    return cut.permute(0, 2, 4, 3, 5, 1).reshape(batch, -1, patch**2 * channels)


def normalised(patches: Float[Tensor, "batch patches values"]) -> Float[Tensor, "batch patches values"]:
    """Returns the patches, with each one's own mean and deviation taken out (MAE section 3)."""
    return (patches - patches.mean(-1, keepdim=True)) / (patches.var(-1, keepdim=True) + 1e-6).sqrt()


build = MaskedPixels
