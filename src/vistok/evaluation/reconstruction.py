"""How close reconstructions are to their images: PSNR, SSIM, and the Fréchet distance of their features.

Shapes: B images of S x S pixels, D features.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from jaxtyping import Float, UInt8

Pixels = UInt8[np.ndarray, "B 3 S S"]
Features = Float[np.ndarray, "images D"]

_MOST: Final = 255.0
_DEVIATION, _REACH = 1.5, 3.5  # of SSIM's Gaussian window, and how many deviations of it: 11 pixels a side
_K1, _K2 = 0.01, 0.03


def psnr(images: Pixels, pictures: Pixels) -> Float[np.ndarray, " B"]:
    """Returns the peak signal-to-noise ratio of each picture, in decibels; infinite if it equals the image."""
    squares = (images.astype(np.float64) - pictures.astype(np.float64)) ** 2
    with np.errstate(divide="ignore"):
        ratio: Float[np.ndarray, " B"] = 10 * np.log10(_MOST**2 / squares.mean(axis=(1, 2, 3)))
    return ratio


def ssim(images: Pixels, pictures: Pixels) -> Float[np.ndarray, " B"]:
    """Returns the structural similarity of each picture, at most 1: the mean over pixels and colours.

    Wang et al. 2004, IEEE TIP 13(4): a Gaussian window of deviation 1.5 and 11 pixels, edges mirrored.
    """
    from scipy.ndimage import gaussian_filter

    def local(values: Float[np.ndarray, "B 3 S S"]) -> Float[np.ndarray, "B 3 S S"]:
        return np.asarray(
            gaussian_filter(values, (0, 0, _DEVIATION, _DEVIATION), truncate=_REACH, mode="reflect")
        )

    x, y = images.astype(np.float64), pictures.astype(np.float64)
    mean_x, mean_y = local(x), local(y)
    of_x, of_y = local(x * x) - mean_x**2, local(y * y) - mean_y**2
    together = local(x * y) - mean_x * mean_y
    first, second = (_K1 * _MOST) ** 2, (_K2 * _MOST) ** 2
    alike = (2 * mean_x * mean_y + first) * (2 * together + second)
    size = (mean_x**2 + mean_y**2 + first) * (of_x + of_y + second)
    return np.asarray((alike / size).mean(axis=(1, 2, 3)))


@dataclass(frozen=True, eq=False)
class Gaussian:
    """What the distance of two sets of features is taken of: their means and their covariances."""

    mean: Float[np.ndarray, " D"]
    covariance: Float[np.ndarray, "D D"]

    @cached_property
    def root(self) -> Float[np.ndarray, "D D"]:
        """The symmetric root of the covariance; taken once, for many sets are compared with one."""
        values, directions = np.linalg.eigh(self.covariance)
        return np.asarray((directions * np.sqrt(values.clip(min=0))) @ directions.T)


class Moments:
    """Sums over features that come in batches, and over products of two of them, in double precision."""

    def __init__(self, width: int) -> None:
        self.count, self.sums, self.products = 0, np.zeros(width), np.zeros((width, width))

    def add(self, features: Features) -> None:
        each = features.astype(np.float64)
        self.count += len(each)
        self.sums += each.sum(axis=0)
        self.products += each.T @ each

    def __add__(self, other: "Moments") -> "Moments":
        both = Moments(len(self.sums))
        both.count = self.count + other.count
        both.sums, both.products = self.sums + other.sums, self.products + other.products
        return both

    @property
    def gaussian(self) -> Gaussian:
        """Of at least two images."""
        mean = self.sums / self.count
        covariance = (self.products - self.count * np.outer(mean, mean)) / (self.count - 1)
        return Gaussian(mean, covariance)


def frechet_distance(first: Features, second: Features) -> float:
    """Returns the Fréchet distance of two sets of features, each modelled as a Gaussian (Heusel et al. 2017)."""
    one, other = (
        Gaussian(features.mean(axis=0), np.cov(features, rowvar=False)) for features in (first, second)
    )
    return gaussian_distance(one, other)


def gaussian_distance(first: Gaussian, second: Gaussian) -> float:
    """Returns the Fréchet distance of two Gaussians."""
    apart, one, other = first.mean - second.mean, first.covariance, second.covariance
    shared = np.sqrt(np.linalg.eigvalsh(first.root @ other @ first.root).clip(min=0)).sum()
    return float(apart @ apart + np.trace(one) + np.trace(other) - 2 * shared)


def patch_means(images: Pixels, side: int) -> Pixels:
    """Returns images with each square of `side` pixels replaced by its mean colour."""
    batch, colours, height, width = images.shape
    cut = images.reshape(batch, colours, height // side, side, width // side, side).astype(np.float64)
    means = cut.mean(axis=(3, 5)).round().astype(np.uint8)
    return np.asarray(means.repeat(side, axis=2).repeat(side, axis=3))
