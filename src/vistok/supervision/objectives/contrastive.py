"""Weak supervision: an image and its text find each other in the batch (CLIP, Radford et al. 2021)."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import ClassVar, Final

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from vistok.supervision import augment
from vistok.supervision.base import Objective, Setup
from vistok.supervision.data import Examples, Part
from vistok.supervision.draws import Draws
from vistok.supervision.encoder import class_feature, embed

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
_PAD, _START, _END = range(3)
_WORD: Final = re.compile(r"\w+|[^\w\s]")


class Words:
    """The words of the pretraining texts, numbered in alphabetical order after the three marks."""

    def __init__(self, texts: Iterable[str]) -> None:
        found = sorted({word for text in texts for word in _split(text)})
        self.numbers = {word: number for number, word in enumerate(found, start=_END + 1)}

    def __len__(self) -> int:
        return len(self.numbers) + _END + 1

    def encode(self, texts: Iterable[str], context: int) -> Int64[Tensor, "batch length"]:
        """Returns start, words, end and padding; a text longer than `context` loses its last words."""
        rows = [[self.numbers[word] for word in _split(text)][: context - 2] for text in texts]
        tokens = np.full((len(rows), max(map(len, rows)) + 2), _PAD, dtype=np.int64)
        for row, numbers in zip(tokens, rows, strict=True):
            row[: len(numbers) + 2] = [_START, *numbers, _END]
        return torch.from_numpy(tokens)


def _split(text: str) -> list[str]:
    return _WORD.findall(text.lower())


class TextEncoder(nn.Module):
    """A small causal transformer; a text's feature is that of its end token (CLIP section 2.4)."""

    def __init__(self, words: int, context: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.words = nn.Embedding(words, width)
        self.places = nn.Parameter(torch.empty(context, width))
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, heads, 4 * width, 0.0, nn.functional.gelu, batch_first=True, norm_first=True
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.words.weight, std=0.02)
        nn.init.normal_(self.places, std=0.01)

    def forward(self, tokens: Int64[Tensor, "batch length"]) -> Float[Tensor, "batch width"]:
        length = tokens.shape[1]
        features = self.words(tokens) + self.places[:length]
        future = torch.ones(length, length, dtype=torch.bool, device=tokens.device).triu(1)
        for block in self.blocks:
            features = block(features, src_mask=future, is_causal=True)
        ends = (tokens == _END).int().argmax(dim=1)
        ending: Tensor = self.norm(features[torch.arange(len(tokens), device=tokens.device), ends])
        return ending


class Contrastive(Objective):
    """Two encoders, two projections and a learnt temperature; only the image encoder is kept."""

    defaults: ClassVar[Mapping[str, float]] = _DEFAULTS
    needs: ClassVar[frozenset[Part]] = frozenset({"captions"})
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
