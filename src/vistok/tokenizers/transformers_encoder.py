"""Tokenizers that transformers can build: vision models, and the vision towers of CLIP-type models."""

from jaxtyping import Float
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from vistok.errors import VistokError
from vistok.grid.values import Encoder
from vistok.tokenizers.base import VisualTokenizer

# What a family calls the norm behind its last block.
_FINAL_NORMS = ("post_layernorm", "layernorm", "norm")


class TransformersTokenizer(VisualTokenizer):
    """A transformers vision model; `arguments` may hold a whole config instead of a name to look up."""

    def __init__(self, encoder: Encoder, *, published: bool) -> None:
        super().__init__(encoder)
        if published:
            model = AutoModel.from_pretrained(encoder.name)
        else:
            config = AutoConfig.for_model(encoder.name, **encoder.arguments) if encoder.arguments else None
            model = AutoModel.from_config(config or AutoConfig.from_pretrained(encoder.name))
        self.trunk = getattr(model, "vision_model", model)
        self.norm = _final_norm(self.trunk) if encoder.final_norm else nn.Identity()

    def forward(self, images: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch tokens width"]:
        output = self.trunk(pixel_values=images, output_hidden_states=True)
        tokens: Tensor = self.norm(output.hidden_states[-1])
        return tokens if self.encoder.class_token else tokens[:, 1:]


def _final_norm(trunk: nn.Module) -> nn.Module:
    for name in _FINAL_NORMS:
        if isinstance(norm := getattr(trunk, name, None), nn.Module):
            return norm
    raise VistokError(f"{type(trunk).__name__} has no final norm ({', '.join(_FINAL_NORMS)}): set `final_norm: false`.")


def build(encoder: Encoder, *, published: bool) -> VisualTokenizer:
    return TransformersTokenizer(encoder, published=published)
