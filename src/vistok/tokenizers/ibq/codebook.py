"""The codebook of IBQ: every position takes one code, and the gradient reaches all of them.

Shapes: B images, D width, K codes, H x W positions, N of them in all images together.
"""

from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

_SMALLEST: Final = 1e-5
_MOST: Final = 2**28  # products at a time, a gigabyte: those of 1,024 positions with 262,144 codes


@dataclass(frozen=True, eq=False)
class Quantised:
    """An encoder's output after quantisation.

    Attributes:
        embeddings: the embedding of each position's code, through which gradients reach all codes and the encoder.
        codes: the index of each position's code.
        quantisation: how far encoder and codes are apart: both ways, and through the one-hot (IBQ code).
        entropy: that of a position, which falls as it chooses surely, less that of all, which rises as all codes are
            used.
    """

    embeddings: Float[Tensor, "B D H W"]
    codes: Int64[Tensor, "B H W"]
    quantisation: Float[Tensor, ""]
    entropy: Float[Tensor, ""]


class Codebook(nn.Module):
    """K codes of width D; a position takes the code with the largest dot product (IBQ code: no distance, no norm).

    Attributes:
        embedding: (K, D), drawn from N(0, 1) as released; a training may start it from what its encoder gives.
        commitment: the weight of the pull of codes towards the encoder (0.25; the paper puts it on the other term).
        temperature: of the softmax that entropy is taken of, 0.01; that of the gradient is 1.
    """

    def __init__(
        self, codes: int, width: int, *, commitment: float = 0.25, temperature: float = 0.01
    ) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(codes, width))
        self.commitment = commitment
        self.temperature = temperature

    def forward(self, encoded: Float[Tensor, "B D H W"]) -> Quantised:
        """Returns each position's code by index backpropagation: one-hot forwards, softmax backwards."""
        rows_ND = encoded.permute(0, 2, 3, 1).flatten(0, 2)
        logits_NK = rows_ND @ self.embedding.T
        codes_N = logits_NK.argmax(dim=1)
        hard_NK = functional.one_hot(codes_N, len(self.embedding)).to(logits_NK.dtype)
        soft_NK = logits_NK.softmax(dim=1)
        chosen_ND = (hard_NK - soft_NK.detach() + soft_NK) @ self.embedding
        plain_ND = self.embedding[codes_N]
        quantisation = (
            (chosen_ND - rows_ND).square().mean()
            + (plain_ND.detach() - rows_ND).square().mean()
            + self.commitment * (plain_ND - rows_ND.detach()).square().mean()
        )
        return Quantised(
            self._as_map(chosen_ND, encoded),
            codes_N.view(len(encoded), *encoded.shape[2:]),
            quantisation,
            entropy_loss(logits_NK / self.temperature),
        )

    @torch.no_grad()
    def nearest(self, encoded: Float[Tensor, "B D H W"]) -> Int64[Tensor, "B H W"]:
        """Returns each position's code, without gradients."""
        images = max(1, _MOST // (encoded[0, 0].numel() * len(self.embedding)))
        parts = (part.permute(0, 2, 3, 1) @ self.embedding.T for part in encoded.split(images))
        return torch.cat([part.argmax(dim=-1) for part in parts])

    def look_up(self, codes: Int64[Tensor, "B H W"]) -> Float[Tensor, "B D H W"]:
        """Returns the embeddings of codes."""
        return self.embedding[codes].permute(0, 3, 1, 2)

    @staticmethod
    def _as_map(rows: Float[Tensor, "N D"], like: Float[Tensor, "B D H W"]) -> Float[Tensor, "B D H W"]:
        batch, _, height, width = like.shape
        return rows.view(batch, height, width, -1).permute(0, 3, 1, 2)


def entropy_loss(logits: Float[Tensor, "N K"]) -> Float[Tensor, ""]:
    """Returns the mean entropy of the rows' softmax less that of the mean softmax (IBQ code, weights 1 and 1)."""
    logarithms = logits.log_softmax(dim=1)
    shares = logarithms.exp()
    each = -(shares * logarithms).sum(dim=1).mean()
    mean = shares.mean(dim=0)
    return each + (mean * (mean + _SMALLEST).log()).sum()


@dataclass(frozen=True, slots=True)
class CodeUse:
    """How many of all codes occur in some images, and their perplexity: the exponential of the entropy."""

    used: int
    codes: int
    perplexity: float

    @property
    def share(self) -> float:
        return self.used / self.codes


def code_use(codes: Int64[Tensor, "..."], of: int) -> CodeUse:
    """Returns the use of a codebook of `of` codes over all positions of some images."""
    counts = torch.bincount(codes.flatten(), minlength=of).double()
    shares = counts[counts > 0] / counts.sum()
    perplexity = torch.exp(-(shares * shares.log()).sum())
    return CodeUse(int((counts > 0).sum()), of, round(float(perplexity), 4))


@torch.no_grad()
def k_means(
    rows: Float[Tensor, "N D"], centres: int, *, rounds: int, generator: torch.Generator
) -> Float[Tensor, "K D"]:
    """Returns the centres of rows by Lloyd's rounds, started from rows drawn without replacement.

    A centre that no row is nearest to keeps its place.
    """
    means = rows[torch.randperm(len(rows), generator=generator)[:centres]].clone()
    for _ in range(rounds):
        nearest = torch.cdist(rows, means).argmin(dim=1)
        counts = torch.bincount(nearest, minlength=centres).to(rows.dtype).unsqueeze(1)
        sums = torch.zeros_like(means).index_add_(0, nearest, rows)
        means = torch.where(counts > 0, sums / counts.clamp(min=1), means)
    return means
