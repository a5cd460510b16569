"""From an encoder to the function that a probe asks: images in, tokens out."""

from collections.abc import Callable

import numpy as np
import torch

from vistok.datasets.preprocessing import Preprocessing
from vistok.probes.cells import Tokens
from vistok.probes.probe import Pixels
from vistok.tokenizers.base import VisualTokenizer


def tokens_of(
    tokenizer: VisualTokenizer, *, batch: int = 100, device: torch.device | None = None
) -> Callable[[Pixels], Tokens]:
    """Returns a function from images of a tokenizer's size to its visual tokens, computed on a device or the CPU."""
    preprocessing = Preprocessing(tokenizer.encoder.image_size, tokenizer.encoder.normalisation)
    target = device or torch.device("cpu")
    tokenizer.eval().to(target)

    @torch.no_grad()
    def features(pixels: Pixels) -> Tokens:
        chunks = (pixels[start : start + batch] for start in range(0, len(pixels), batch))
        images = (torch.from_numpy(preprocessing.normalise(chunk)).to(target) for chunk in chunks)
        return np.concatenate([tokenizer(chunk).cpu().numpy() for chunk in images])

    return features
