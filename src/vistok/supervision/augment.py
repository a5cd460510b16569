"""Image augmentations on whole batches: every image gets its own draw, in a few tensor operations."""

from typing import Final

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from vistok.datasets.preprocessing import STATISTICS
from vistok.grid.tokenizers import Normalisation
from vistok.supervision.draws import Draws

Images = Float[Tensor, "batch 3 height width"]

_GREY: Final = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601 luma
# Luma and the two colour differences of YIQ; hue is the angle between these two.
_YIQ: Final = np.array([_GREY, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


def from_bytes(pixels: UInt8[np.ndarray, "batch height width 3"]) -> Images:
    """Returns images with values from 0 to 1, channels first."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(255).contiguous()


def normalise(images: Images, normalisation: Normalisation) -> Images:
    """Returns images with the published channel statistics taken out."""
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in STATISTICS[normalisation])
    return (images - mean).div_(deviation)


def random_crop(
    images: Images,
    draws: Draws,
    size: int,
    scale: tuple[float, float],
    *,
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
    flip: float = 0.5,
) -> Images:
    """Returns random resized crops, bilinear, some flipped left to right.

    Args:
        size: pixels per side of the result.
        scale: least and greatest share of the image's area.
        ratio: least and greatest width by height, drawn evenly on a log scale.
        flip: the probability of a flip.
    """
    count = len(images)
    area = draws.uniform(*scale)
    shape = np.exp(draws.uniform(np.log(ratio[0]), np.log(ratio[1])) / 2)
    across = np.minimum(np.sqrt(area) * shape, 1.0)
    down = np.minimum(np.sqrt(area) / shape, 1.0)
    # The centre of the crop in [-1, 1], so that the crop stays inside the image.
    centre_x, centre_y = (draws.uniform(-1, 1) * (1 - side) for side in (across, down))
    mirror = np.where(draws.random() < flip, -1.0, 1.0)
    affine = np.zeros((count, 2, 3), dtype=np.float32)
    affine[:, 0, 0], affine[:, 0, 2] = across * mirror, centre_x
    affine[:, 1, 1], affine[:, 1, 2] = down, centre_y
    grid = functional.affine_grid(torch.from_numpy(affine), [count, 3, size, size], align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def aligned_crop(
    images: Images, draws: Draws, size: int, patch: int, *, flip: float = 0.5, shift: int = 1
) -> Images:
    """Returns windows of whole patches, each image's its own, some flipped left to right, all moved by a pixel or so.

    Where an object fills a patch, as in the mini world, a resized crop cuts every object of an image in two; an
    augmentation of photographs, where a patch is a small part of an object, does nothing like it.

    Args:
        size: pixels per side of the result: patches of `patch` pixels.
        flip: the probability of a flip.
        shift: the most pixels by which a window is moved; at the image's border, its last pixels are repeated.
    """
    mirrored = draws.random() < flip
    corners = []
    for side in images.shape[2:]:
        corner = np.floor(draws.uniform(0, side // patch - size // patch + 1)).astype(int) * patch
        corners.append(corner + np.floor(draws.uniform(-shift, shift + 1)).astype(int) + shift)
    bordered = np.pad(images.numpy(), ((0, 0), (0, 0), (shift, shift), (shift, shift)), mode="edge")
    cut = np.empty((len(images), 3, size, size), dtype=bordered.dtype)
    for window, image, row, column, mirror in zip(cut, bordered, *corners, mirrored, strict=True):
        part = image[:, row : row + size, column : column + size]
        window[:] = part[:, :, ::-1] if mirror else part
    return torch.from_numpy(cut)


def colour_jitter(
    images: Images, draws: Draws, *, strength: float, hue: float, grey: float, probability: float = 0.8
) -> Images:
    """Returns images of changed brightness, contrast, saturation and hue, some of them grey.

    Args:
        strength: brightness and contrast are scaled by 1 +- strength, saturation by 1 +- strength / 2 (the
            proportion of DINO's 0.4, 0.4, 0.2).
        hue: the greatest turn, as a share of the full circle.
        grey: the probability of a grey image.
        probability: that an image is changed at all, but for grey.
    """
    jittered = draws.random() < probability
    brightness = _around_one(draws, jittered, strength)
    contrast = _around_one(draws, jittered, strength)
    saturation = _around_one(draws, jittered, strength / 2)
    saturation[draws.random() < grey] = 0.0
    angle = 2 * np.pi * draws.uniform(-hue, hue) * jittered
    mix = brightness[:, None, None] * contrast[:, None, None] * _colour_matrices(saturation, angle)
    # Contrast is taken about the mean grey of the brightened image, which hue and saturation leave alone.
    grey_mean = images.mean(dim=(2, 3)).double().numpy() @ _GREY
    shift = (1 - contrast) * brightness * grey_mean
    changed = torch.baddbmm(
        torch.from_numpy(shift.astype(np.float32)).view(-1, 1, 1),
        torch.from_numpy(mix.astype(np.float32)),
        images.flatten(2),
    )
    return changed.clamp_(0, 1).view_as(images)


def _around_one(draws: Draws, jittered: np.ndarray, strength: float) -> np.ndarray:
    return np.where(jittered, draws.uniform(1 - strength, 1 + strength), 1.0)


def _colour_matrices(saturation: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Returns the 3 x 3 matrices that turn the hue by `angle` and scale the saturation."""
    turn = np.zeros((len(angle), 3, 3))
    turn[:, 0, 0] = 1.0
    turn[:, 1, 1] = turn[:, 2, 2] = saturation * np.cos(angle)
    turn[:, 2, 1] = saturation * np.sin(angle)
    turn[:, 1, 2] = -turn[:, 2, 1]
    return np.asarray(np.linalg.inv(_YIQ) @ turn @ _YIQ)


def blur(images: Images, draws: Draws, *, deviation: float, probability: float | np.ndarray) -> Images:
    """Returns images some of which are blurred by a Gaussian of at most `deviation` pixels, cut to 3 x 3.

    Args:
        probability: of each image, or of all.
    """
    mask = draws.random() < probability
    drawn = np.where(mask, draws.uniform(deviation / 20, deviation), np.inf)
    side = np.where(mask, np.exp(-1 / (2 * drawn**2)), 0.0)
    weights = torch.from_numpy((side / (1 + 2 * side)).astype(np.float32)).view(-1, 1, 1, 1)
    wide = functional.pad(images, (1, 1, 0, 0), mode="replicate")
    images = torch.lerp(images, (wide[..., :-2] + wide[..., 2:]).div_(2), 2 * weights)
    tall = functional.pad(images, (0, 0, 1, 1), mode="replicate")
    return images.lerp_((tall[..., :-2, :] + tall[..., 2:, :]).div_(2), 2 * weights)


def solarise(images: Images, draws: Draws, *, probability: float | np.ndarray) -> Images:
    """Returns images some of which have their values above one half inverted."""
    mask = draws.random() < probability
    if not mask.any():
        return images
    chosen = torch.from_numpy(mask).view(-1, 1, 1, 1)
    return torch.where(chosen & (images >= 0.5), 1 - images, images)


def random_window(images: Images, draws: Draws, patch: int, patches: int) -> Images:
    """Returns the same random window of all images: whole patches, `patches` a side."""
    side = patch * patches
    row, column = draws.together.integers(
        0, [images.shape[2] // patch - patches + 1, images.shape[3] // patch - patches + 1]
    )
    return images[:, :, row * patch : row * patch + side, column * patch : column * patch + side]
