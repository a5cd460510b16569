"""Tokenizers that timm can build: every ViT of Table 2, and the mini scale's own."""

import timm
from jaxtyping import Float
from torch import Tensor, nn

from vistok.grid.values import Encoder
from vistok.tokenizers.base import VisualTokenizer


class TimmTokenizer(VisualTokenizer):
    """A timm vision transformer without its head."""

    def __init__(self, encoder: Encoder, *, published: bool) -> None:
        super().__init__(encoder)
        self.trunk = timm.create_model(encoder.name, pretrained=published, num_classes=0, **encoder.arguments)
        if not encoder.final_norm:
            self.trunk.norm = nn.Identity()

    def forward(self, images: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch tokens width"]:
        features: Tensor = self.trunk.forward_features(images)
        if features.ndim == 4:  # convolutional trunks give a map of width x rows x columns
            return features.flatten(2).transpose(1, 2)
        return features if self.encoder.class_token else features[:, self.trunk.num_prefix_tokens :]


def build(encoder: Encoder, *, published: bool) -> VisualTokenizer:
    return TimmTokenizer(encoder, published=published)
