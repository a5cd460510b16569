"""Weak supervision: an image and its text find each other in the batch (CLIP, Radford et al. 2021)."""

import math
from collections.abc import Mapping
from typing import ClassVar, Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from vistok.supervision import augment
from vistok.supervision.base import Objective, Setup
from vistok.supervision.data import AnnotationKind, Examples
from vistok.supervision.draws import Draws
from vistok.supervision.encoder import class_feature, embed
from vistok.supervision.heads import Heads
from vistok.supervision.text import (
    IMAGE_PROJECTION,
    TEXT_ENCODER,
    TEXT_PROJECTION,
    TextEncoder,
    Words,
)

_DEFAULTS: Final = {
    "embedding": 64,  # CLIP table 20: 512, beside a ViT-B of width 768
    "text_width": 64,  # CLIP table 20: 512
    "text_layers": 2,  # CLIP table 20: 12
    "text_heads": 2,  # CLIP table 20: 8, of width 64; here of 32, as the encoder's
    "context": 77,  # CLIP code; a batch is padded to its own longest text only
    "aligned": 0,  # 1: whole images, in place of resized crops
    "crop_least": 0.9,  # open_clip's; CLIP section 2.3: a random square crop and nothing else
}
_TEMPERATURE_START: Final = math.log(1 / 0.07)  # CLIP section 2.5
_TEMPERATURE_END: Final = math.log(100)  # CLIP section 2.5: logits are never scaled by more than 100


class Contrastive(Objective):
    """Two encoders, two projections and a learnt temperature; the image encoder is the tokenizer, the rest heads."""

    defaults: ClassVar[Mapping[str, float]] = _DEFAULTS
    needs: ClassVar[frozenset[AnnotationKind]] = frozenset({"captions"})
    undecayed: ClassVar[frozenset[str]] = frozenset({"cls_token"})  # a vector in CLIP's code; positions decay

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.vocabulary = Words(setup.data.texts())
        embedding, width, layers, heads, self.context = (
            int(self.options[name])
            for name in ("embedding", "text_width", "text_layers", "text_heads", "context")
        )
        self.text_encoder = TextEncoder(len(self.vocabulary), self.context, width, layers, heads)
        self.image_projection = nn.Linear(self.encoder.embed_dim, embedding, bias=False)
        self.text_projection = nn.Linear(width, embedding, bias=False)
        for projection in (self.image_projection, self.text_projection):
            nn.init.normal_(projection.weight, std=projection.in_features**-0.5)
        self.log_scale = nn.Parameter(torch.tensor(_TEMPERATURE_START))

    @override
    def views(
        self,
        images: Float[Tensor, "batch 3 height width"],
        examples: Examples,
        draws: Draws,
    ) -> dict[str, Tensor]:
        assert examples.texts is not None
        # No flip: a text may say which side an object is on.
        images = self.crops(images, draws, self.size, (self.options["crop_least"], 1.0), flip=0.0)
        tokens = self.vocabulary.encode(examples.texts, self.context)
        return {"images": augment.normalise(images, self.normalisation), "tokens": tokens}

    @override
    def loss(self, batch: dict[str, Tensor], step: int) -> Float[Tensor, ""]:
        seen = class_feature(self.encoder, embed(self.encoder, batch["images"]))
        read = self.text_encoder(batch["tokens"])
        return symmetric_cross_entropy(
            self.image_projection(seen), self.text_projection(read), self.log_scale.exp()
        )

    @override
    def heads(self) -> Heads:
        modules = {
            IMAGE_PROJECTION: self.image_projection,
            TEXT_PROJECTION: self.text_projection,
            TEXT_ENCODER: self.text_encoder,
        }
        shape = {name: int(self.options[f"text_{name}"]) for name in ("width", "layers", "heads")}
        words = [*self.vocabulary.numbers]
        return super().heads().with_modules(modules, words=words, context=self.context, **shape)

    @override
    def after_step(self, step: int) -> None:
        """Clamps the temperature (CLIP section 2.5)."""
        with torch.no_grad():
            self.log_scale.clamp_(max=_TEMPERATURE_END)


def symmetric_cross_entropy(
    images: Float[Tensor, "batch width"], texts: Float[Tensor, "batch width"], scale: Float[Tensor, ""]
) -> Float[Tensor, ""]:
    """Returns the mean of image-to-text and text-to-image InfoNCE over cosines (CLIP figure 3)."""
    logits = scale * functional.normalize(images, dim=-1) @ functional.normalize(texts, dim=-1).T
    pairs = torch.arange(len(images), device=images.device)
    return (functional.cross_entropy(logits, pairs) + functional.cross_entropy(logits.T, pairs)) / 2


build = Contrastive
