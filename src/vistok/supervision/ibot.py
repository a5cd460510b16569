"""Hidden patches against an online teacher (iBOT, Zhou et al. 2022): where they are, and the loss there."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.random import Generator
from torch import Tensor


def block_masks(
    rng: Generator, images: int, grid: tuple[int, int], *, share: float, least: float, greatest: float
) -> Bool[Tensor, "images patches"]:
    """Returns which patches are hidden: in a share of the images, one block of random place and shape.

    Of every image that is masked, a fraction drawn evenly between `least` and `greatest` of the patches is
    hidden, and at least one patch. A block is the set of patches that are nearest to a random point, in a
    metric of random aspect: on a grid of few patches, rectangles alone would give few sizes.
    """
    rows, columns = grid
    patches = rows * columns
    point = rng.uniform(0, 1, (images, 2)) * [rows, columns]
    # iBOT code: aspect from 0.3 to 1 / 0.3, evenly on a log scale.
    aspect = np.exp(rng.uniform(np.log(0.3), -np.log(0.3), (images, 1)) / 2)
    row, column = np.divmod(np.arange(patches), columns)
    down, across = (np.abs(index + 0.5 - point[:, [axis]]) for axis, index in enumerate((row, column)))
    nearness = np.maximum(down * aspect, across / aspect).argsort(axis=1).argsort(axis=1)
    counts = np.maximum(1, np.round(rng.uniform(least, greatest, images) * patches))
    counts[rng.permutation(images) >= round(share * images)] = 0
    return torch.from_numpy(nearness < counts[:, None])


def patch_cross_entropy(
    teacher: Float[Tensor, "hidden prototypes"],
    student: Float[Tensor, "hidden prototypes"],
    hidden: Bool[Tensor, "images patches"],
    temperature: float,
) -> Float[Tensor, ""]:
    """Returns the cross-entropy on hidden patches, the mean of each image's mean (DINOv2 code).

    Args:
        teacher: probabilities at the hidden patches, image by image.
        student: logits at the same patches.
        hidden: which patches of which image these rows are.
        temperature: the student's.
    """
    entropy = -(teacher * (student / temperature).log_softmax(-1)).sum(-1)
    counts = hidden.sum(1, keepdim=True).clamp(min=1)
    weights = (1.0 / counts).expand(hidden.shape)[hidden]
    return (entropy * weights).sum() / len(hidden)
