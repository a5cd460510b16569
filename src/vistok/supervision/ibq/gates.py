"""Failures that stop a tokenizer's training: a loss that is not finite, and a codebook of which little is used.

Both are known of IBQ (TencentARC/SEED-Voken, issues 53 and 59): the first at a batch that was cut and a rate that was
kept, the second where codes are drawn so large, or the rate is so high, that their softmax is a one-hot from the start.
"""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from vistok.errors import VistokError
from vistok.tokenizers.ibq.codebook import CodeUse


def check_finite(terms: Mapping[str, Tensor], step: int) -> None:
    """Stops if a term of the loss is not finite.

    Raises:
        VistokError: names the terms, and what to lower.
    """
    wrong = [f"{name} is {value.item()}" for name, value in terms.items() if not torch.isfinite(value)]
    if wrong:
        raise VistokError(
            f"the tokenizer's loss is no number at step {step}: {', '.join(wrong)}. Lower `learning_rate` of its "
            "`optimiser` in the scale's file below workflow/scales/ett, and lower it with the batch where you lower "
            "that: a smaller batch at the old rate is what was seen to end so."
        )


TRAINED: Final = (
    "the codebook has collapsed. Let codes start from what an encoder gives (`autoencoder_steps` above 0), lower "
    "`learning_rate`, raise `batch`, or make fewer `codes`, in the scale's file below workflow/scales/ett"
)
RELEASED: Final = (
    "no release uses so few. Its file or the images that it was measured on are other ones: fetch its weights again, "
    "look at the shards, or measure on more `gate_images`, in the scale's file below workflow/scales/ett"
)


def check_likeness(decibels: float, least: float, what: str) -> None:
    """Refuses a released tokenizer whose reconstructions are unlike their images.

    Args:
        decibels: PSNR, on the average over images.
        least: so many are needed.
        what: whose reconstructions they are, for the error.

    Raises:
        VistokError: they are fewer; says what to change.
    """
    if decibels < least:
        raise VistokError(
            f"{what}: its reconstructions have a PSNR of {decibels:.1f} dB, and {least:g} are needed (`least_psnr`): "
            "its decoder is another one, or it was trained on pixels of another range. Fetch its weights again, or "
            "correct `arguments` and `normalisation` of its entry."
        )


def check_use(use: CodeUse, least: float, what: str, *, otherwise: str = TRAINED) -> None:
    """Refuses a codebook if too few of its codes are used.

    Args:
        use: of its codes.
        least: the share of codes that must occur.
        what: whose codes they are, for the error.
        otherwise: what it means that fewer occur, and what to change.

    Raises:
        VistokError: fewer occur; says how many, and what to change.
    """
    if use.share < least:
        raise VistokError(
            f"{what}: {use.used} of {use.codes} codes are in use ({100 * use.share:.1f} %, perplexity "
            f"{use.perplexity:.1f}), and {100 * least:.0f} % are needed: {otherwise}."
        )
