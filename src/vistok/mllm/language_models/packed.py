"""Rows of one batch without padding: all words in one long row, each reading its own row's alone.

Matrix products and norms see no padding; attention puts a few rows of like length side by side for the kernels of
PyTorch. Wherever no rows are named, such as in generation, attention is what transformers calls `sdpa`.
"""

from dataclasses import dataclass
from typing import Any, Final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

_NAME: Final = "vistok_packed"
# More groups mean less padding and more calls: with two, attention of a batch of mini costs two thirds.
_GROUPS: Final = 2


@dataclass(frozen=True)
class Group:
    """Rows that attention takes together.

    Attributes:
        tokens: the indices of their words among all packed ones.
        places: the index of each of these words when the rows are padded to `length` and concatenated.
    """

    tokens: slice
    places: Int[Tensor, "tokens"]
    rows: int
    length: int


@dataclass(frozen=True)
class Packing:
    """How a padded batch is packed, shorter rows first.

    Attributes:
        chosen: the words that are not padding, by their place in the flattened batch, in packed order.
        positions: the index of each in its own row.
    """

    chosen: Int[Tensor, "tokens"]
    positions: Int[Tensor, "tokens"]
    groups: tuple[Group, ...]


def packing_of(mask: Int[Tensor, "batch length"], groups: int = _GROUPS) -> Packing:
    """Returns how the words of a batch that is padded on the right are packed."""
    batch, width = mask.shape
    lengths = mask.sum(1)
    order = lengths.argsort(stable=True)
    made, chosen, positions, start = [], [], [], 0
    for rows in order.tensor_split(min(groups, batch)):
        length = int(lengths[rows[-1]])
        there = mask[rows, :length].flatten().nonzero()[:, 0]
        made.append(Group(slice(start, start + len(there)), there, len(rows), length))
        positions.append(there % length)
        chosen.append(rows[there // length] * width + positions[-1])
        start += len(there)
    return Packing(torch.cat(chosen), torch.cat(positions), tuple(made))


def packed(tensor: Float[Tensor, "batch length *rest"], packing: Packing) -> Float[Tensor, "tokens *rest"]:
    """Returns the entries at the words of a padded batch, in packed order."""
    return tensor.flatten(0, 1)[packing.chosen]


def attend_packed(network: PreTrainedModel) -> bool:
    """Makes a network's attention use `packing`; returns whether it can."""
    if network.config._attn_implementation == "sdpa":
        AttentionInterface.register(_NAME, _attention)
        AttentionMaskInterface.register(_NAME, sdpa_mask)
        network.set_attn_implementation(_NAME)
    return bool(network.config._attn_implementation == _NAME)


def read_packed(
    decoder: Any, embedded: Float[Tensor, "tokens width"], packing: Packing
) -> Float[Tensor, "tokens width"]:
    """Returns what a decoder makes of packed words."""
    # A mask of four dimensions is passed on as it is: left to itself, transformers would make one of tokens x tokens.
    unread = torch.zeros(1, 1, 1, 1, dtype=torch.bool, device=embedded.device)
    output = decoder(
        inputs_embeds=embedded[None],
        attention_mask=unread,
        position_ids=packing.positions[None],
        use_cache=False,
        packing=packing,
    )
    hidden: Tensor = output[0][0]
    return hidden


def _attention(
    module: nn.Module,
    query: Float[Tensor, "batch heads tokens width"],
    key: Float[Tensor, "batch key_heads tokens width"],
    value: Float[Tensor, "batch key_heads tokens width"],
    attention_mask: Bool[Tensor, "batch one tokens keys"] | None,
    packing: Packing | None = None,
    scaling: float | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    repeats = query.shape[1] // key.shape[1]
    if packing is None and query.shape[2] == 1:
        return _of_one_word(query, key, value, attention_mask, scaling), None
    if packing is None:
        given, _ = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **others
        )
        return given, None
    parts = [query, repeat_kv(key, repeats), repeat_kv(value, repeats)]
    flat = [part[0].transpose(0, 1) for part in parts]
    attended = [_of_group([part[group.tokens] for part in flat], group, scaling) for group in packing.groups]
    return torch.cat(attended)[None], None


def _of_one_word(
    query: Float[Tensor, "batch heads one width"],
    key: Float[Tensor, "batch key_heads keys width"],
    value: Float[Tensor, "batch key_heads keys width"],
    mask: Bool[Tensor, "batch one one keys"] | None,
    scaling: float | None,
) -> Float[Tensor, "batch one heads width"]:
    """Returns what a new word reads: heads that share keys ask them side by side, so that none is copied for each.

    Two products: PyTorch's kernel of the CPU takes several times as long for one word.
    """
    asking = query.reshape(*key.shape[:2], -1, query.shape[3])
    if query.device.type != "cpu":
        given = functional.scaled_dot_product_attention(asking, key, value, attn_mask=mask, scale=scaling)
        return given.flatten(1, 2)[:, None]
    scores = (asking * (scaling or query.shape[3] ** -0.5)) @ key.transpose(2, 3)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return (scores.softmax(-1) @ value).flatten(1, 2)[:, None]


def _of_group(
    parts: list[Float[Tensor, "tokens heads width"]], group: Group, scaling: float | None
) -> Float[Tensor, "tokens heads width"]:
    # On a CPU PyTorch's kernels take twice as long in half precision as in single, there and back.
    dtype = torch.float32 if parts[0].device.type == "cpu" else parts[0].dtype
    query, key, value = (_rows(part.to(dtype), group) for part in parts)
    attended = functional.scaled_dot_product_attention(query, key, value, is_causal=True, scale=scaling)
    return attended.transpose(1, 2).flatten(0, 1)[group.places].to(parts[0].dtype)


def _rows(
    part: Float[Tensor, "tokens heads width"], group: Group
) -> Float[Tensor, "rows heads length width"]:
    line = part.new_zeros(group.rows * group.length, *part.shape[1:]).index_copy(0, group.places, part)
    return line.view(group.rows, group.length, *part.shape[1:]).transpose(1, 2)
