"""The loss of words that a language model says, each with its own weight."""

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional


def token_loss(
    hidden: Float[Tensor, "batch length width"],
    output_layer: nn.Module,
    ids: Int[Tensor, "batch length"],
    weights: Float[Tensor, "batch length"],
) -> tuple[Tensor, Tensor]:
    """Returns the weighted sum of the losses of `ids`, and the sum of the weights.

    Each of `ids` is said by the hidden state at its place. Only places with a weight pay for the output layer.
    """
    learnt = weights > 0
    logits = output_layer(hidden[learnt])
    losses = functional.cross_entropy(logits.float(), ids[learnt], reduction="none")
    return (losses * weights[learnt]).sum(), weights.sum()
