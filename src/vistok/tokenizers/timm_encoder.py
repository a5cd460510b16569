"""Tokenizers that timm can build: every ViT of Table 2, and the mini scale's own."""

import sys

import timm
from jaxtyping import Float
from torch import Tensor, nn

from vistok.errors import VistokError
from vistok.grid.tokenizers import Encoder
from vistok.tokenizers.base import Tensors, VisualTokenizer

_BEHIND_TOKENS = ("attn_pool", "fc_norm", "head")


class TimmTokenizer(VisualTokenizer):
    """A timm vision transformer or convolutional network without its head."""

    def __init__(self, encoder: Encoder, *, published: bool) -> None:
        super().__init__(encoder)
        overlay = _at_revision(encoder) if published and encoder.revision else None
        self.trunk = timm.create_model(
            encoder.name,
            pretrained=published,
            num_classes=0,
            pretrained_cfg_overlay=overlay,
            **encoder.arguments,
        )
        for layer in (*_BEHIND_TOKENS, *(() if encoder.final_norm else ("norm",))):
            if isinstance(getattr(self.trunk, layer, None), nn.Module):
                setattr(self.trunk, layer, nn.Identity())

    def adapted(self, tensors: Tensors) -> Tensors:
        """Returns tensors by timm's names: it knows the original layouts of its families, and resamples positions."""
        convert = getattr(sys.modules[type(self.trunk).__module__], "checkpoint_filter_fn", None)
        if convert is None:
            return tensors
        try:
            return dict(convert(dict(tensors), self.trunk))
        except Exception:  # of a file of something else, which is refused by its names
            return tensors

    def forward(self, images: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch tokens width"]:
        features: Tensor = self.trunk.forward_features(images)
        if features.ndim == 4:  # convolutional trunks give a map of width x rows x columns
            return features.flatten(2).transpose(1, 2)
        return features if self.encoder.class_token else features[:, self.trunk.num_prefix_tokens :]


def build(encoder: Encoder, *, published: bool) -> VisualTokenizer:
    """Builds the tokenizer of an entry."""
    return TimmTokenizer(encoder, published=published)


def names() -> list[str]:
    """Returns what an entry's `name` may be."""
    return [*timm.list_models(), *timm.list_pretrained()]


def _at_revision(encoder: Encoder) -> dict[str, str]:
    """Returns what to change of timm's own entry so that it takes one commit of its repository."""
    config = timm.get_pretrained_cfg(encoder.name)
    if config is None or not config.hf_hub_id:
        raise VistokError(
            f"{encoder.name!r} has a revision, and timm keeps its weights in no hub. Take `revision` out of its entry "
            "in workflow/grid/tokenizers.yaml."
        )
    return {"hf_hub_id": f"{config.hf_hub_id}@{encoder.revision}"}
