"""Attention of several heads, as every connector's layers need it."""

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional


def attend(
    query: Float[Tensor, "batch length inner"],
    key: Float[Tensor, "batch tokens inner"],
    value: Float[Tensor, "batch tokens inner"],
    heads: int,
    reads: Bool[Tensor, "batch length tokens"] | None = None,
) -> Float[Tensor, "batch length inner"]:
    """Returns what each query makes of the values that it may read: all of them where `reads` is not given."""
    query, key, value = (split_heads(tensor, heads) for tensor in (query, key, value))
    mask = None if reads is None else reads[:, None]
    attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return attended.transpose(1, 2).flatten(2)


def split_heads(
    tensor: Float[Tensor, "batch length inner"], heads: int
) -> Float[Tensor, "batch heads length own"]:
    """Returns each head's share of the width."""
    return tensor.reshape(*tensor.shape[:2], heads, -1).transpose(1, 2)
