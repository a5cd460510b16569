"""Tokenizers that open_clip can build: the image towers of CLIP-type models."""

from types import SimpleNamespace
from typing import Final

import open_clip
import torch
from jaxtyping import Float
from torch import Tensor, nn

from vistok.errors import VistokError
from vistok.grid.tokenizers import Encoder
from vistok.tokenizers.base import Tensors, VisualTokenizer
from vistok.tokenizers.hub import check_newest

_POSITIONS: Final = "positional_embedding"


class OpenClipTokenizer(VisualTokenizer):
    """An open_clip vision transformer, or a CLIP's ResNet, whose tokens are its last map.

    `arguments` may hold `pretrained`, the tag of its weights.
    """

    def __init__(self, encoder: Encoder, *, published: bool) -> None:
        super().__init__(encoder)
        arguments = {name: value for name, value in encoder.arguments.items() if name != "pretrained"}
        tag = encoder.arguments.get("pretrained")
        if published and not tag:
            raise ValueError("published weights need `arguments: {pretrained: TAG}`")
        if published:
            check_newest(encoder)
        # open_clip moves its model to a device of its own choice, which fails from the meta device.
        self.trunk = open_clip.create_model(
            encoder.name, tag if published else None, device=torch.get_default_device(), **arguments
        ).visual
        if isinstance(self.trunk, open_clip.modified_resnet.ModifiedResNet):
            self.trunk.attnpool = nn.Identity()
            # As RegionCLIP and detectors keep them: with few images at a time, their statistics would be noise.
            self.trunk = open_clip.utils.freeze_batch_norm_2d(self.trunk)
            return
        if not isinstance(self.trunk, open_clip.transformer.VisionTransformer):
            raise VistokError(
                f"{encoder.name!r} has the image tower {type(self.trunk).__name__}; only open_clip's own "
                "vision transformer and CLIP's ResNet are supported here. Name the tower through `library: timm`."
            )
        self.trunk.proj = None
        if not encoder.final_norm:
            self.trunk.ln_post = nn.Identity()

    def adapted(self, tensors: Tensors) -> Tensors:
        """Returns tensors with the positions that open_clip resamples where it fetches them itself."""
        if _POSITIONS not in tensors or not hasattr(self.trunk, _POSITIONS):
            return tensors
        below = {f"visual.{_POSITIONS}": tensors[_POSITIONS]}
        open_clip.model.resize_pos_embed(below, SimpleNamespace(visual=self.trunk))
        return {**tensors, _POSITIONS: below[f"visual.{_POSITIONS}"]}

    def forward(self, images: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch tokens width"]:
        if isinstance(self.trunk, open_clip.modified_resnet.ModifiedResNet):
            features: Tensor = self.trunk(images)
            return features.flatten(2).transpose(1, 2)
        tokens: Tensor = self.trunk.ln_post(self.trunk.transformer(self.trunk._embeds(images)))
        return tokens if self.encoder.class_token else tokens[:, 1:]


def build(encoder: Encoder, *, published: bool) -> VisualTokenizer:
    """Builds the tokenizer of an entry."""
    return OpenClipTokenizer(encoder, published=published)


def names() -> list[str]:
    """Returns what an entry's `name` may be."""
    return list(open_clip.list_models())
