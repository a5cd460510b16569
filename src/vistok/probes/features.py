"""From an encoder to the function that a probe asks: images in, tokens out."""

from collections.abc import Callable

import numpy as np
import torch

from vistok.datasets.preprocessing import Preprocessing
from vistok.probes.cells import Tokens
from vistok.probes.probe import Pixels
from vistok.tokenizers.base import VisualTokenizer


def tokens_of(tokenizer: VisualTokenizer, *, batch: int = 100) -> Callable[[Pixels], Tokens]:
    """Returns a function from images of a tokenizer's size to its visual tokens."""
    preprocessing = Preprocessing(tokenizer.encoder.image_size, tokenizer.encoder.normalisation)
    tokenizer.eval()

    @torch.no_grad()
    def features(pixels: Pixels) -> Tokens:
        parts = (pixels[start : start + batch] for start in range(0, len(pixels), batch))
        return np.concatenate(
            [tokenizer(torch.from_numpy(preprocessing.normalise(part))).numpy() for part in parts]
        )

    return features
