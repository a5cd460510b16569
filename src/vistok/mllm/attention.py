"""What the resampler's queries look at: its attention over the visual tokens, head by head."""

import torch
from jaxtyping import Float
from torch import Tensor

from vistok.mllm.connectors.resampler import PerceiverAttention
from vistok.mllm.heads import split_heads
from vistok.mllm.model import MultimodalModel


@torch.no_grad()
def resampler_attention(
    model: MultimodalModel, images: Float[Tensor, "batch 3 size size"]
) -> Float[Tensor, "batch heads latents tokens"]:
    """Returns the attention of the last layer over the visual tokens, each head's summing to 1 over them.

    The latents attend to themselves, too; that part is left out.
    """
    layers = [module for module in model.connector.modules() if isinstance(module, PerceiverAttention)]
    caught: list[tuple[Tensor, Tensor]] = []
    handle = layers[-1].register_forward_pre_hook(lambda _, inputs: caught.append((inputs[0], inputs[1])))
    try:
        model.connector(model.tokenizer(images))
    finally:
        handle.remove()
    return attention_weights(layers[-1], *caught[0])


def has_resampler(model: MultimodalModel) -> bool:
    return any(isinstance(module, PerceiverAttention) for module in model.connector.modules())


def attention_weights(
    layer: PerceiverAttention,
    media: Float[Tensor, "batch tokens width"],
    latents: Float[Tensor, "batch latents width"],
) -> Float[Tensor, "batch heads latents tokens"]:
    """Returns how much each head of each latent attends to each visual token, among visual tokens alone."""
    key, _ = layer.key_value(layer.norm_media(media)).chunk(2, dim=-1)
    query, key = (
        split_heads(tensor, layer.heads) for tensor in (layer.query(layer.norm_latents(latents)), key)
    )
    scores: Tensor = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    return scores.softmax(dim=-1)


def head_divergence(
    attention: Float[Tensor, "batch heads latents tokens"],
) -> Float[Tensor, "batch"]:
    """Returns how unlike the heads of each image look: the Jensen-Shannon divergence of two (bits, 0..1), on average.

    The mean is over pairs of heads, and over latents. 0: all heads look at the same places; 1: no two share any.
    """
    heads = attention.shape[1]
    first, second = torch.triu_indices(heads, heads, offset=1)
    left, right = attention[:, first], attention[:, second]
    middle = (left + right) / 2
    divergence = (_divergence(left, middle) + _divergence(right, middle)) / 2
    return divergence.mean(dim=(1, 2))


def _divergence(left: Tensor, right: Tensor) -> Tensor:
    return (torch.xlogy(left, left) - torch.xlogy(left, right)).sum(dim=-1) / torch.log(torch.tensor(2.0))
