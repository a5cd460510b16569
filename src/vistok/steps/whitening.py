"""Fits a connector's whitening on images that its training sees, before the first step."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vistok.datasets.shards import Shards
from vistok.mllm.connectors.whitening import IMAGES
from vistok.mllm.model import MultimodalModel

_BATCH = 50


def fit_whitening(model: MultimodalModel, images: Shards, device: torch.device) -> None:
    """Fits the whitening of a model's connector, if it has one, on tokens of whole images spread over a set.

    A tokenizer that is to be tuned gives them as it starts. The result depends on the tokenizer and the images alone.

    Raises:
        VistokError: an image cannot be decoded, or the tokens have no variance.
    """
    if model.connector.whitening is None:
        return
    model.eval()
    model.tokenizer.to(device)
    model.connector.whitening.fit(_tokens(model, images, device))
    model.tokenizer.to("cpu")
    model.train()


@torch.no_grad()
def _tokens(
    model: MultimodalModel, images: Shards, device: torch.device
) -> Iterator[Float[Tensor, "batch tokens width"]]:
    reader, generator = model.tokenizer.reads(), np.random.default_rng(0)
    count = min(IMAGES, len(images))
    rows = [images.row(index * len(images) // count) for index in range(count)]
    for first in range(0, count, _BATCH):
        cached = [
            reader.cacheable(row, partial(images.decoded, row), uncropped=True)
            for row in rows[first : first + _BATCH]
        ]
        shown = [reader.shown(image, None, generator, horizontal_flip=False) for image in cached]
        batch = torch.stack([torch.from_numpy(image) for image in shown]).to(device)
        yield model.tokenizer(model.tokenizer.prepared(batch))
