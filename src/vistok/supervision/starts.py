"""The encoder before any training: what a probe, and a table's floor, compare a pretrained one with."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8

from vistok.grid.tokenizers import Encoder
from vistok.supervision import augment
from vistok.supervision.encoder import build_encoder, prepare
from vistok.tokenizers.base import VisualTokenizer, build_tokenizer
from vistok.tokenizers.weights import load_foreign


def prepared(encoder: Encoder, pixels: UInt8[np.ndarray, "images size size 3"], seed: int) -> VisualTokenizer:
    """Returns a tokenizer with the weights that a pretraining starts from, its patch embedding whitened on some images.

    Raises:
        VistokError: the encoder is not a plain vision transformer.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        trunk = build_encoder(encoder)
    prepare(trunk, augment.normalise(augment.from_bytes(pixels), encoder.normalisation))
    tokenizer = build_tokenizer(encoder)
    load_foreign(tokenizer, trunk.state_dict(), Path(encoder.name))
    return tokenizer
