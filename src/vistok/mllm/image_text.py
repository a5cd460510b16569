"""The text side of a Q-Former in the first stage of BLIP-2's training (arXiv 2301.12597 section 3.2).

Queries and words share each layer's attention; words have a feed-forward part of their own and see no image but
through the queries. Three losses: an image and its caption find each other in the batch, a pair is told from hard
negatives, and the caption is written. Chosen: words are the language model's own, with two marks added (BLIP-2's are
BERT's); nothing is dropped; an image's negatives are those of its process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from vistok.errors import VistokError
from vistok.mllm.connectors.q_former import PostNormFeedforward, QueryLayer, QueryTransformer

_CONTEXT: Final = 512  # BERT's
_EMBEDDING: Final = 256  # released code: where images and texts meet
_TEMPERATURE: Final = 0.07  # released code, at the start; learnt
_SMOOTHING: Final = 0.1  # released code: of the labels of contrast and captioning
_LEAST: Final = 1e-4  # released code: so that no weight of a negative is 0
_READ, _WRITE = range(2)  # the marks in front of a text, behind all words


@dataclass(frozen=True)
class Captions:
    """A batch of captions, one an image, padded on the right.

    Attributes:
        ids: tokens, the last of each an end.
        mask: which are not padding.
    """

    ids: Int[Tensor, "batch length"]
    mask: Bool[Tensor, "batch length"]

    def rows(self, index: Int[Tensor, "rows"]) -> "Captions":
        return Captions(self.ids[index], self.mask[index])


class ImageText(nn.Module):
    """Words and heads beside a Q-Former; its layers are given where they are used, and belong to a connector."""

    def __init__(self, former: QueryTransformer, vocabulary: int, multiple: int) -> None:
        super().__init__()
        width = former.queries.shape[1]
        self.vocabulary = vocabulary
        self.words = nn.Embedding(vocabulary + 2, width)
        self.places = nn.Embedding(_CONTEXT, width)
        self.feedforward = nn.ModuleList(PostNormFeedforward(width, multiple) for _ in former.layers)
        self.image_projection, self.text_projection = (
            nn.Linear(width, _EMBEDDING),
            nn.Linear(width, _EMBEDDING),
        )
        self.temperature = nn.Parameter(torch.tensor(_TEMPERATURE))
        self.match = nn.Linear(width, 2)
        self.transform = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width, eps=1e-12))
        self.bias = nn.Parameter(torch.zeros(vocabulary + 2))
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)

    def losses(
        self, former: QueryTransformer, seen: Float[Tensor, "batch tokens width"], captions: Captions
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the mean losses of contrast, of matching and of captioning; BLIP-2 adds them up.

        Args:
            seen: the image's tokens as the Q-Former reads them.

        Raises:
            VistokError: there is one image alone, which has no negatives.
        """
        if len(seen) < 2:
            raise VistokError(
                "contrast needs two images at least of each process's share of a batch: give the recipe a larger "
                "`batch`, or the job fewer GPUs or more `positions` at a time."
            )
        likeness = self.likeness(former, seen, captions)
        pairs = torch.arange(len(seen), device=seen.device)
        contrast = torch.stack(
            [
                functional.cross_entropy(side, pairs, label_smoothing=_SMOOTHING)
                for side in (likeness, likeness.T)
            ]
        ).mean()
        matching = self._matching(former, seen, captions, likeness.detach())
        return contrast, matching, self._captioning(former, seen, captions)

    def likeness(
        self, former: QueryTransformer, seen: Float[Tensor, "batch tokens width"], captions: Captions
    ) -> Float[Tensor, "images texts"]:
        """Returns the similarity of each image and text: that of the query closest to the text."""
        images = functional.normalize(self.image_projection(former(seen)), dim=-1)
        _, read = self.read(former, None, self._marked(captions, _READ), self._all(captions, 0))
        texts = functional.normalize(self.text_projection(read[:, 0]), dim=-1)
        return torch.einsum("iqe,te->itq", images, texts).amax(-1) / self.temperature

    def _matching(
        self, former: QueryTransformer, seen: Tensor, captions: Captions, likeness: Tensor
    ) -> Tensor:
        """Discriminates each pair from two hard negatives, drawn by similarity to the other side."""
        diagonal = torch.arange(len(seen), device=seen.device)
        weights = [side.softmax(dim=1) + _LEAST for side in (likeness, likeness.T)]
        texts, images = (torch.multinomial(side.fill_diagonal_(0), 1)[:, 0] for side in weights)
        pairs = captions.rows(torch.cat([diagonal, diagonal, texts]))
        shown = seen[torch.cat([diagonal, images, diagonal])]
        queries, _ = self.read(
            former, shown, self._marked(pairs, _READ), self._all(pairs, len(former.queries))
        )
        matches = torch.zeros(len(shown), dtype=torch.long, device=seen.device)
        matches[: len(seen)] = 1
        return functional.cross_entropy(self.match(queries).mean(dim=1), matches)

    def _captioning(self, former: QueryTransformer, seen: Tensor, captions: Captions) -> Tensor:
        """Words are written from the queries and the words before them; no query sees a word."""
        queries, length = len(former.queries), captions.ids.shape[1] + 1
        positions = torch.arange(queries + length, device=seen.device)
        reads = (positions < queries) | ((positions <= positions[:, None]) & (positions[:, None] >= queries))
        _, read = self.read(former, seen, self._marked(captions, _WRITE), reads.expand(len(seen), -1, -1))
        logits = self.transform(read[:, :-1]) @ self.words.weight.T + self.bias
        mask = captions.mask
        return functional.cross_entropy(logits[mask], captions.ids[mask], label_smoothing=_SMOOTHING)

    def read(
        self,
        former: QueryTransformer,
        seen: Float[Tensor, "batch tokens width"] | None,
        ids: Int[Tensor, "batch length"],
        reads: Bool[Tensor, "batch all all"],
    ) -> tuple[Float[Tensor, "batch queries own"], Float[Tensor, "batch length own"]]:
        """Returns what queries and words become side by side; without an image there are no queries.

        Args:
            reads: which of all, queries before words, each of them reads.
        """
        positions = torch.arange(ids.shape[1], device=ids.device)
        words = former.norm(self.words(ids) + self.places(positions))
        queries = former.start(len(ids))[:, : 0 if seen is None else None]
        layers = cast(Sequence[QueryLayer], former.layers)
        for layer, feedforward in zip(layers, self.feedforward, strict=True):
            both = torch.cat([queries, words], dim=1)
            both = layer.attention(both, both, reads)
            queries, words = both.split([queries.shape[1], words.shape[1]], dim=1)
            if seen is not None and layer.looking is not None:
                queries = layer.looking(queries, seen)
            queries, words = layer.feedforward(queries), feedforward(words)
        return queries, words

    def _marked(self, captions: Captions, mark: int) -> Int[Tensor, "batch length"]:
        return functional.pad(captions.ids, (1, 0), value=self.vocabulary + mark)

    def _all(self, captions: Captions, queries: int) -> Bool[Tensor, "batch all all"]:
        """Everything attends to everything except padding; the mark in front of a text is included."""
        mask = functional.pad(captions.mask, (queries + 1, 0), value=True)
        return mask[:, None].expand(-1, mask.shape[1], -1)
