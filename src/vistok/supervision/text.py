"""The text tower of a CLIP: words, a small causal transformer, and a projection to where images meet their texts."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from vistok.errors import VistokError
from vistok.supervision.heads import Heads

IMAGE_PROJECTION: Final = "image_projection"
TEXT_PROJECTION: Final = "text_projection"
TEXT_ENCODER: Final = "text_encoder"
_PAD, _START, _END = range(3)
_WORD: Final = re.compile(r"\w+|[^\w\s]")


class Words:
    """The words of the pretraining texts, numbered in alphabetical order after the three marks."""

    def __init__(self, texts: Iterable[str]) -> None:
        vocabulary = sorted({word for text in texts for word in split(text)})
        self.numbers = {word: number for number, word in enumerate(vocabulary, start=_END + 1)}

    def __len__(self) -> int:
        return len(self.numbers) + _END + 1

    def encode(self, texts: Iterable[str], context: int) -> Int64[Tensor, "batch length"]:
        """Returns start, words, end and padding; a text longer than `context` loses its last words."""
        rows = [[self.numbers[word] for word in split(text)][: context - 2] for text in texts]
        tokens = np.full((len(rows), max(map(len, rows)) + 2), _PAD, dtype=np.int64)
        for row, numbers in zip(tokens, rows, strict=True):
            row[: len(numbers) + 2] = [_START, *numbers, _END]
        return torch.from_numpy(tokens)


def split(text: str) -> list[str]:
    """Returns the words and signs of a text."""
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


class TextTower(nn.Module):
    """A CLIP's text tower as its pretraining left it: texts in, unit vectors of the shared space out."""

    def __init__(self, heads: Heads) -> None:
        """Builds it from a contrastive pretraining's heads.

        Raises:
            VistokError: they are not those of a contrastive pretraining.
        """
        super().__init__()
        weight = heads.part(TEXT_PROJECTION)["weight"]
        settings: Mapping[str, Any] = heads.settings
        self.vocabulary = Words(settings["words"])
        self.context = int(settings["context"])
        shape = (int(settings[name]) for name in ("width", "layers", "heads"))
        self.text_encoder = TextEncoder(len(self.vocabulary), self.context, *shape)
        self.text_projection = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        heads.load(TEXT_ENCODER, self.text_encoder)
        heads.load(TEXT_PROJECTION, self.text_projection)

    def encode(self, texts: Iterable[str]) -> Int64[Tensor, "batch length"]:
        """Returns the words of some texts.

        Raises:
            VistokError: the pretraining has never read one of the words.
        """
        texts = list(texts)
        unread = sorted({word for text in texts for word in split(text)} - self.vocabulary.numbers.keys())
        if unread:
            raise VistokError(
                f"the text tower has never read {', '.join(map(repr, unread[:5]))}: it can tell nothing that is called "
                "so. Pretrain it on texts that name what is to be told."
            )
        return self.vocabulary.encode(texts, self.context)

    def forward(self, tokens: Int64[Tensor, "batch length"]) -> Float[Tensor, "batch shared"]:
        projected: Tensor = self.text_projection(self.text_encoder(tokens))
        return functional.normalize(projected, dim=-1)

    def names(self, names: Iterable[str], templates: Iterable[str]) -> Float[Tensor, "names shared"]:
        """Returns what each name says: the mean over templates, of unit length (CLIP section 3.1.4)."""
        names, templates = list(names), list(templates)
        texts = [template.format(name) for name in names for template in templates]
        with torch.no_grad():
            embeddings = self(self.encode(texts)).view(len(names), len(templates), -1).mean(1)
        return functional.normalize(embeddings, dim=-1)
