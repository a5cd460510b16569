"""The likeliest word after word, for many prompts at once: what they share is read once, and nothing read is copied.

transformers' own `generate` re-reads everything before each prompt, and copies all keys and values for each word.
"""

from collections.abc import Callable
from typing import Any, Final, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional
from transformers import Cache, LogitsProcessorList
from transformers.cache_utils import DynamicLayer

# Rows that have ended are left out as soon as so many of all have: the keys and values of the others are copied then.
_ENDED: Final = 1 / 4


class _Room(DynamicLayer):
    """A layer's keys and values, in a place that has room for all words that may come."""

    def __init__(self, keys: Tensor, values: Tensor, owner: Int[Tensor, "rows"], length: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.lazy_initialization(keys, values)
        self._read = keys.shape[2]
        self._places = _roomy(keys, owner, length), _roomy(values, owner, length)
        self.keys, self.values = self._shown()

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Writes what was read behind what is there; returns all of it."""
        new = slice(self._read, self._read + key_states.shape[2])
        for place, states in zip(self._places, (key_states, value_states), strict=True):
            place[:, :, new] = states
        self._read = new.stop
        self.keys, self.values = self._shown()
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keeps some rows."""
        self._places = self._places[0][indices], self._places[1][indices]
        self.keys, self.values = self._shown()

    def _shown(self) -> tuple[Tensor, Tensor]:
        keys, values = self._places
        return keys[:, :, : self._read], values[:, :, : self._read]


def _roomy(
    part: Float[Tensor, "fronts heads front width"], owner: Int[Tensor, "rows"], length: int
) -> Float[Tensor, "rows heads length width"]:
    _, heads, front, width = part.shape
    room = part.new_empty(len(owner), heads, length, width)
    room[:, :, :front] = part[owner]
    return room


def generate_greedily(
    decoder: Any,
    logits: Callable[[Tensor], Tensor],
    embed: Callable[[Tensor], Tensor],
    front: Float[Tensor, "fronts front width"],
    owner: Int[Tensor, "rows"],
    ids: Int[Tensor, "rows length"],
    mask: Int[Tensor, "rows length"],
    *,
    most: int,
    end: int,
    penalties: LogitsProcessorList,
) -> Int[Tensor, "rows written"]:
    """Returns the words behind each prompt, up to the end token of each, and that token behind it.

    Args:
        decoder: a network without its output layer, `logits`, whose attention is PyTorch's.
        front: the embeddings before prompts.
        owner: which front each prompt follows.
        ids: the prompts, padded on the left.
        mask: 0 where there is padding.
        most: words that are written at most.
    """
    rows, behind = len(ids), front.shape[1] + ids.shape[1]
    read = decoder(inputs_embeds=front, use_cache=True).past_key_values
    cache = Cache(layers=[_Room(layer.keys, layer.values, owner, behind + most) for layer in read.layers])
    # Padding is between front and prompt; positions leave it out.
    there = functional.pad(mask, (front.shape[1], most), value=1) > 0
    position = there.cumsum(1) - 1
    sees = there[:, None, None, :behind] & _not_ahead(front.shape[1], behind, ids.device)
    new, written = embed(ids), ids.new_full((rows, most), end)
    going, unfinished = torch.arange(rows, device=ids.device), torch.ones_like(ids[:, 0], dtype=torch.bool)
    for count in range(most):
        at = slice(behind + count - new.shape[1], behind + count)
        hidden = decoder(
            inputs_embeds=new,
            attention_mask=sees,
            position_ids=position[:, at],
            past_key_values=cache,
            use_cache=True,
        )[0]
        before = cast(Any, written[going, :count])
        scores = penalties(before, cast(Any, logits(hidden[:, -1]).float()))
        word = torch.where(unfinished, scores.argmax(-1), end)
        written[going, count] = word
        unfinished = unfinished & (word != end)
        left = int(unfinished.sum())
        if not left:
            return written[:, : count + 1]
        if left <= (1 - _ENDED) * len(going):
            kept = unfinished.nonzero()[:, 0]
            going, unfinished, word, there, position = (
                part[kept] for part in (going, unfinished, word, there, position)
            )
            cache.batch_select_indices(kept)
        new, sees = embed(word[:, None]), there[:, None, None, : behind + count + 1]
    return written


def _not_ahead(front: int, length: int, device: torch.device) -> Tensor:
    """Returns which of all places each place behind the front may read: those up to itself."""
    places = torch.arange(length, device=device)
    return places[None, :] <= places[front:, None]
