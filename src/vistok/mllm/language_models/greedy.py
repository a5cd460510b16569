"""Greedy decoding of many prompts at once: what they share is read once, and no keys or values are copied.

transformers' own `generate` re-reads the shared front for each prompt, and copies all keys and values for each word.
"""

from collections.abc import Callable
from typing import Any, Final, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional
from transformers import Cache, LogitsProcessorList
from transformers.cache_utils import DynamicLayer

# Finished rows are dropped as soon as this share has finished: the keys and values of the others are copied then.
_ENDED: Final = 1 / 4


class _Room(DynamicLayer):
    """A layer's keys and values, in buffers with room for all words that may come."""

    def __init__(self, keys: Tensor, values: Tensor, owner: Int[Tensor, "rows"], length: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.lazy_initialization(keys, values)
        self._read = keys.shape[2]
        self._buffers = _roomy(keys, owner, length), _roomy(values, owner, length)
        self.keys, self.values = self._shown()

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Appends new keys and values; returns all of them."""
        new = slice(self._read, self._read + key_states.shape[2])
        for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[:, :, new] = states
        self._read = new.stop
        self.keys, self.values = self._shown()
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keeps some rows."""
        self._buffers = self._buffers[0][indices], self._buffers[1][indices]
        self.keys, self.values = self._shown()

    def _shown(self) -> tuple[Tensor, Tensor]:
        keys, values = self._buffers
        return keys[:, :, : self._read], values[:, :, : self._read]


def _roomy(
    cached: Float[Tensor, "fronts heads front width"], owner: Int[Tensor, "rows"], length: int
) -> Float[Tensor, "rows heads length width"]:
    _, heads, front, width = cached.shape
    room = cached.new_empty(len(owner), heads, length, width)
    room[:, :, :front] = cached[owner]
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
    """Returns the words after each prompt up to its end token, padded with that token.

    Args:
        decoder: a network without its output layer, `logits`, whose attention is PyTorch's.
        front: the embeddings before the prompts.
        owner: the index of the front that each prompt follows.
        ids: the prompts, padded on the left.
        mask: 0 for padding.
        most: the greatest number of words to generate.
    """
    rows, behind = len(ids), front.shape[1] + ids.shape[1]
    read = decoder(inputs_embeds=front, use_cache=True).past_key_values
    cache = Cache(layers=[_Room(layer.keys, layer.values, owner, behind + most) for layer in read.layers])
    # Padding is between front and prompt; positions leave it out.
    is_word = functional.pad(mask, (front.shape[1], most), value=1) > 0
    position = is_word.cumsum(1) - 1
    sees = is_word[:, None, None, :behind] & _not_ahead(front.shape[1], behind, ids.device)
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
            running = unfinished.nonzero()[:, 0]
            going, unfinished, word, is_word, position = (
                tensor[running] for tensor in (going, unfinished, word, is_word, position)
            )
            cache.batch_select_indices(running)
        new, sees = embed(word[:, None]), is_word[:, None, None, : behind + count + 1]
    return written


def _not_ahead(front: int, length: int, device: torch.device) -> Tensor:
    """Returns the causal mask of the positions after the front: each attends to all positions up to itself."""
    positions = torch.arange(length, device=device)
    return positions[None, :] <= positions[front:, None]
