"""A batch without padding: all words in one long row, each attending to those of its own row alone.

Matrix products and norms see no padding; attention pads a few rows of similar length for PyTorch's kernels. Without a
packing, such as in generation, attention is what transformers calls `sdpa`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, rotate_half

_NAME: Final = "vistok_packed"
# More groups mean less padding and more calls: with two, attention of a batch of mini costs two thirds.
_GROUPS: Final = 2
# Where more than this share of the words is selected, a whole layer with its causal kernel is faster than its parts.
_FEW: Final = 0.5


@dataclass(frozen=True)
class Group:
    """Rows that attention takes together.

    Attributes:
        slots: the index of each word when the rows are padded to `length` and concatenated.
    """

    slots: Int[Tensor, "tokens"]
    rows: int
    length: int


@dataclass(frozen=True)
class Packing:
    """How a padded batch is packed, shorter rows first.

    Attributes:
        indices: the index of each word, in packed order, in the flattened batch.
        positions: its index in its own row.
        rows: the row of each.
    """

    indices: Int[Tensor, "tokens"]
    positions: Int[Tensor, "tokens"]
    rows: Int[Tensor, "tokens"]
    groups: tuple[Group, ...]


def packing_of(mask: Int[Tensor, "batch length"], groups: int = _GROUPS) -> Packing:
    """Returns how the words of a batch that is padded on the right are packed."""
    batch, width = mask.shape
    lengths = mask.sum(1)
    order = lengths.argsort(stable=True)
    made, owners, positions = [], [], []
    for rows in order.tensor_split(min(groups, batch)):
        length = int(lengths[rows[-1]])
        slots = mask[rows, :length].flatten().nonzero()[:, 0]
        made.append(Group(slots, len(rows), length))
        positions.append(slots % length)
        owners.append(rows[slots // length])
    owner, position = torch.cat(owners), torch.cat(positions)
    return Packing(owner * width + position, position, owner, tuple(made))


def packed(tensor: Float[Tensor, "batch length *rest"], packing: Packing) -> Float[Tensor, "tokens *rest"]:
    """Returns the entries at the words of a padded batch, in packed order."""
    return tensor.flatten(0, 1)[packing.indices]


def attend_packed(network: PreTrainedModel) -> bool:
    """Has a network's attention use `packing`; returns whether it can."""
    if network.config._attn_implementation == "sdpa":
        AttentionInterface.register(_NAME, _attention)
        AttentionMaskInterface.register(_NAME, sdpa_mask)
        network.set_attn_implementation(_NAME)
        trim_last_layer(network)
    return bool(network.config._attn_implementation == _NAME)


def leave_attention_eager() -> None:
    """Has compiled layers (torch.compile) call the packed attention as it is: its shapes change with each batch."""
    AttentionInterface.register(_NAME, torch.compiler.disable(_attention))


def read_packed(
    decoder: Any,
    embedded: Float[Tensor, "tokens width"],
    packing: Packing,
    selected: Int[Tensor, "selected"],
) -> Float[Tensor, "selected width"]:
    """Returns a decoder's hidden states of the selected words, given all of the packed ones.

    Args:
        selected: their indices among the packed words, in packed order.
    """
    # A mask of four dimensions is passed on unchanged: otherwise transformers would make one of tokens x tokens.
    unread = torch.zeros(1, 1, 1, 1, dtype=torch.bool, device=embedded.device)
    output = decoder(
        inputs_embeds=embedded[None],
        attention_mask=unread,
        position_ids=packing.positions[None],
        use_cache=False,
        packing=packing,
        selected=selected,
    )
    hidden: Tensor = output[0][0]
    return hidden if len(hidden) == len(selected) else hidden.index_select(0, selected)


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
        output, _ = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **others
        )
        return output, None
    projections = [query, repeat_kv(key, repeats), repeat_kv(value, repeats)]
    sizes = [len(group.slots) for group in packing.groups]
    by_group = zip(*(tensor[0].transpose(0, 1).split(sizes) for tensor in projections), strict=True)
    attended = [_of_group(own, group, scaling) for own, group in zip(by_group, packing.groups, strict=True)]
    return torch.cat(attended)[None], None


def _of_one_word(
    query: Float[Tensor, "batch heads one width"],
    key: Float[Tensor, "batch key_heads keys width"],
    value: Float[Tensor, "batch key_heads keys width"],
    mask: Bool[Tensor, "batch one one keys"] | None,
    scaling: float | None,
) -> Float[Tensor, "batch one heads width"]:
    """Returns the attention of one new word: query heads that share keys are batched, so that no key is copied.

    Two matrix products: PyTorch's CPU kernel takes several times as long for one word.
    """
    asking = query.reshape(*key.shape[:2], -1, query.shape[3])
    if query.device.type != "cpu":
        attended = functional.scaled_dot_product_attention(asking, key, value, attn_mask=mask, scale=scaling)
        return attended.flatten(1, 2)[:, None]
    scores = (asking * (scaling or query.shape[3] ** -0.5)) @ key.transpose(2, 3)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return (scores.softmax(-1) @ value).flatten(1, 2)[:, None]


def _of_group(
    projections: Sequence[Float[Tensor, "tokens heads width"]], group: Group, scaling: float | None
) -> Float[Tensor, "tokens heads width"]:
    # On a CPU, PyTorch's kernels take twice as long in half precision as in single, forward and backward.
    dtype = torch.float32 if projections[0].device.type == "cpu" else projections[0].dtype
    query, key, value = (_rows(tensor.to(dtype), group) for tensor in projections)
    attended = functional.scaled_dot_product_attention(query, key, value, is_causal=True, scale=scaling)
    return attended.transpose(1, 2).flatten(0, 1)[group.slots].to(projections[0].dtype)


def _rows(
    tensor: Float[Tensor, "tokens heads width"], group: Group
) -> Float[Tensor, "rows heads length width"]:
    line = tensor.new_zeros(group.rows * group.length, *tensor.shape[1:]).index_copy(0, group.slots, tensor)
    return line.view(group.rows, group.length, *tensor.shape[1:]).transpose(1, 2)


class _LastLayer(LlamaDecoderLayer):
    """The last layer of a network: words that are not selected need only keys and values."""

    def forward(
        self,
        hidden_states: Float[Tensor, "1 tokens width"],
        *others: Any,
        packing: Packing | None = None,
        selected: Int[Tensor, "selected"] | None = None,
        **kwargs: Any,
    ) -> Tensor:
        if packing is None or selected is None or not 0 < len(selected) <= hidden_states.shape[1] * _FEW:
            output: Tensor = super().forward(hidden_states, *others, packing=packing, **kwargs)
            return output
        attention, normed = self.self_attn, self.input_layernorm(hidden_states[0])
        cos, sin = (table[0, :, None] for table in kwargs["position_embeddings"])
        query, key, value = (
            made(read).unflatten(-1, (-1, attention.head_dim))
            for made, read in (
                (attention.q_proj, normed.index_select(0, selected)),
                (attention.k_proj, normed),
                (attention.v_proj, normed),
            )
        )
        query = _rotated(query, cos[selected], sin[selected])
        attended = _of_selected(query, _rotated(key, cos, sin), value, packing, selected, attention.scaling)
        hidden = hidden_states[0].index_select(0, selected) + attention.o_proj(attended.flatten(1))
        read: Tensor = hidden + self.mlp(self.post_attention_layernorm(hidden))
        return read[None]


def trim_last_layer(network: PreTrainedModel) -> None:
    """Has the last layer of a Llama compute only the words that are selected; other networks compute all."""
    layers = getattr(network.base_model, "layers", None)
    if isinstance(layers, nn.ModuleList) and type(layers[-1]) is LlamaDecoderLayer:
        layers[-1].__class__ = _LastLayer


def _rotated(
    heads: Float[Tensor, "tokens heads width"],
    cos: Float[Tensor, "tokens 1 width"],
    sin: Float[Tensor, "tokens 1 width"],
) -> Float[Tensor, "tokens heads width"]:
    turned: Tensor = heads * cos + rotate_half(heads) * sin
    return turned


def _of_selected(
    query: Float[Tensor, "selected heads width"],
    key: Float[Tensor, "tokens key_heads width"],
    value: Float[Tensor, "tokens key_heads width"],
    packing: Packing,
    selected: Int[Tensor, "selected"],
    scaling: float,
) -> Float[Tensor, "selected heads width"]:
    """Returns the causal attention of the selected words to their own rows, which are padded side by side."""
    rows, length = sum(group.rows for group in packing.groups), packing.groups[-1].length
    row, position = packing.rows[selected], packing.positions[selected]
    _, which, counts = row.unique_consecutive(return_inverse=True, return_counts=True)
    rank = torch.arange(len(selected), device=selected.device) - (counts.cumsum(0) - counts)[which]
    most = int(counts.max())
    slots = row * most + rank
    # A query that only pads a row attends to the first word, and is dropped.
    last_key = position.new_zeros(rows * most).index_copy(0, slots, position).view(rows, 1, most, 1)
    dtype = torch.float32 if query.device.type == "cpu" else query.dtype
    padded_query = _rows(query.to(dtype), Group(slots, rows, most))
    words = Group(packing.rows * length + packing.positions, rows, length)
    padded_key, padded_value = (_rows(tensor.to(dtype), words) for tensor in (key, value))
    repeats = query.shape[1] // key.shape[1]
    attended = functional.scaled_dot_product_attention(
        padded_query,
        repeat_kv(padded_key, repeats),
        repeat_kv(padded_value, repeats),
        attn_mask=torch.arange(length, device=selected.device) <= last_key,
        scale=scaling,
    )
    return attended.transpose(1, 2).flatten(0, 1).index_select(0, slots).to(query.dtype)
