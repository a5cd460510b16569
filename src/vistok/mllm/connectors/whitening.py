"""Fixed whitening of an image encoder's tokens: what an encoder says quietly is as loud as what it says loudly.

Pretrainings leave most of the tokens' variance to a few directions, such as the background; a connector of few steps
reads little else.
"""

from collections.abc import Iterable
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vistok.errors import VistokError

IMAGES: Final = 1000  # that statistics are taken of
# Of the mean variance. Pretrained tokens of width 96 vary in some ten directions: with a thousandth, the seventy that
# are noise are as loud as those that tell something, and counting takes twice the steps (docs/mini-scale.md).
RIDGE: Final = 1.0


class Whitening(nn.Module):
    """PCA whitening, rotated back to the encoder's own axes, by a mean and a covariance that training leaves alone.

    Rotated back it depends on no sign or order of eigenvectors, which processors choose differently. It is the
    identity before `fit`. The statistics are buffers: a checkpoint of the connector holds them.
    """

    mean: Tensor
    matrix: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("matrix", torch.eye(width))

    def forward(self, tokens: Float[Tensor, "batch tokens width"]) -> Float[Tensor, "batch tokens width"]:
        return (tokens - self.mean) @ self.matrix

    @torch.no_grad()
    def fit(self, batches: Iterable[Float[Tensor, "batch tokens width"]]) -> None:
        """Takes the statistics of some images' tokens, all tokens of an image alike; sums are of double precision.

        Raises:
            VistokError: there are no tokens, or they are all the same.
        """
        count, width = 0, len(self.mean)
        total, squares = (torch.zeros(shape, dtype=torch.float64) for shape in ((width,), (width, width)))
        for batch in batches:
            tokens = batch.reshape(-1, width).double().cpu()
            count += len(tokens)
            total += tokens.sum(dim=0)
            squares += tokens.T @ tokens
        mean = total / max(count, 1)
        covariance = squares / max(count, 1) - mean.outer(mean)
        variance = covariance.trace().item() / width
        if not variance > 0:
            raise VistokError(
                f"{count} visual tokens have no variance and cannot be whitened: the "
                "encoder gives the same for every image. Look at its pretraining, or take `whiten` off the connector."
            )
        values, vectors = torch.linalg.eigh(covariance)
        scale = (values.clamp_min(0) + RIDGE * variance).rsqrt()
        self.mean.copy_(mean)
        self.matrix.copy_(vectors * scale @ vectors.T)
