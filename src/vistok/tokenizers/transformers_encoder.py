"""Tokenizers that transformers can build: vision models, and the vision towers of CLIP-type models."""

from inspect import signature
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import CONFIG_MAPPING, AutoConfig, AutoModel, PreTrainedConfig

from vistok.errors import VistokError
from vistok.grid.tokenizers import Encoder
from vistok.tokenizers.base import VisualTokenizer

# What families call the norm behind their last block, and what follows it.
_FINAL_NORMS = ("post_layernorm", "layernorm", "norm")
_POOLERS = ("pooler", "head")


class TransformersTokenizer(VisualTokenizer):
    """A transformers vision model; `arguments` may hold a whole config, `name` then being its model type."""

    def __init__(self, encoder: Encoder, *, published: bool) -> None:
        super().__init__(encoder)
        self.trunk = _model(encoder, published=published)
        # Weights for another size: positions are interpolated, where the family can.
        other_size = getattr(self.trunk.config, "image_size", encoder.image_size) != encoder.image_size
        self.interpolates = (
            other_size and "interpolate_pos_encoding" in signature(self.trunk.forward).parameters
        )
        self.norm_name = _final_norm(self.trunk)
        for unused in (*_POOLERS, *(() if encoder.final_norm else (self.norm_name,))):
            if isinstance(getattr(self.trunk, unused, None), nn.Module):
                setattr(self.trunk, unused, nn.Identity())
        if hasattr(self.trunk.embeddings, "mask_token"):
            self.trunk.embeddings.mask_token = None

    def forward(self, images: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch tokens width"]:
        # `last_hidden_state` is behind the norm in some families and before it in others; this is before.
        arguments: dict[str, Any] = {"pixel_values": images, "output_hidden_states": True}
        if self.interpolates:
            arguments["interpolate_pos_encoding"] = True
        blocks: Tensor = self.trunk(**arguments).hidden_states[-1]
        tokens: Tensor = getattr(self.trunk, self.norm_name)(blocks)
        if self.encoder.class_token:
            return tokens
        return tokens[:, -((self.encoder.image_size // self.trunk.config.patch_size) ** 2) :]


def _model(encoder: Encoder, *, published: bool) -> nn.Module:
    """Builds the model without running code of its repository, which transformers would otherwise ask about."""
    if published:
        model = AutoModel.from_pretrained(
            encoder.name, dtype=torch.float32, revision=encoder.revision or "main", trust_remote_code=False
        )
    else:
        model = AutoModel.from_config(_config(encoder), trust_remote_code=False)
    trunk: nn.Module = getattr(model, "vision_model", model)
    return trunk


def _config(encoder: Encoder) -> PreTrainedConfig:
    config: PreTrainedConfig = (
        AutoConfig.for_model(encoder.name, **encoder.arguments)
        if encoder.arguments
        else AutoConfig.from_pretrained(
            encoder.name, revision=encoder.revision or "main", trust_remote_code=False
        )
    )
    return config


def _final_norm(trunk: nn.Module) -> str:
    for name in _FINAL_NORMS:
        if isinstance(getattr(trunk, name, None), nn.Module):
            return name
    raise VistokError(
        f"{type(trunk).__name__} has no norm behind its last block that is known here "
        f"({', '.join(_FINAL_NORMS)}). Name the encoder through `library: timm` instead."
    )


def build(encoder: Encoder, *, published: bool) -> VisualTokenizer:
    """Builds the tokenizer of an entry."""
    return TransformersTokenizer(encoder, published=published)


def names() -> list[str]:
    """Returns what an entry's `name` may be, besides the repositories of a model hub."""
    return list(CONFIG_MAPPING)
