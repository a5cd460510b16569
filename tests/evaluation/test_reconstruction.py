"""Distances of pictures equal small references, and know what is the same and what is not."""

import math

import numpy as np
import pytest
from scipy.linalg import sqrtm

from vistok.evaluation.reconstruction import frechet_distance, patch_means, psnr, ssim


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 3, 24, 24)).astype(np.uint8)


def test_psnr_is_that_of_the_mean_square(images: np.ndarray) -> None:
    off = (images.astype(int) + np.where(images < 128, 10, -10)).astype(np.uint8)
    assert psnr(images, off) == pytest.approx([20 * math.log10(255 / 10)] * 3)
    assert np.isinf(psnr(images, images)).all()


def windowed(values: np.ndarray) -> np.ndarray:
    """Returns the Gaussian means of 11 x 11 pixels of one colour, where such a window fits."""
    steps = np.arange(-5, 6)
    line = np.exp(-(steps**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    size = len(values) - 10
    return np.array(
        [[(window * values[r : r + 11, c : c + 11]).sum() for c in range(size)] for r in range(size)]
    )


def test_ssim_is_that_of_its_formula_away_from_edges(images: np.ndarray) -> None:
    """An image in whose middle another stands: only windows that fit are compared with the formula, point by point."""
    pictures = (images // 2 + 40).astype(np.uint8)
    x, y = images[0, 0].astype(float), pictures[0, 0].astype(float)
    mx, my = windowed(x), windowed(y)
    vx, vy, xy = windowed(x * x) - mx**2, windowed(y * y) - my**2, windowed(x * y) - mx * my
    one, two = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    inner = ((2 * mx * my + one) * (2 * xy + two)) / ((mx**2 + my**2 + one) * (vx + vy + two))
    # Wrapped to a torus of three by three, every window of the middle copy fits.
    wide, shown = (np.tile(each[:1, :1], (1, 3, 3, 3)) for each in (images, pictures))
    whole = windowed_everywhere(x, y)
    assert ssim(wide, shown)[0] == pytest.approx(whole, abs=0.02)
    assert inner.mean() == pytest.approx(whole, abs=0.05)
    assert ssim(images, images) == pytest.approx([1, 1, 1])
    assert (ssim(images, 255 - images) < 0).all()


def windowed_everywhere(x: np.ndarray, y: np.ndarray) -> float:
    x, y = np.pad(x, 5, mode="wrap"), np.pad(y, 5, mode="wrap")
    mx, my = windowed(x), windowed(y)
    vx, vy, xy = windowed(x * x) - mx**2, windowed(y * y) - my**2, windowed(x * y) - mx * my
    one, two = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float((((2 * mx * my + one) * (2 * xy + two)) / ((mx**2 + my**2 + one) * (vx + vy + two))).mean())


def test_frechet_distance_is_that_of_the_matrix_root() -> None:
    rng = np.random.default_rng(1)
    first = rng.normal(size=(200, 5)) @ rng.normal(size=(5, 5))
    second = rng.normal(size=(150, 5)) @ rng.normal(size=(5, 5)) + 1.5
    one, other = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    apart = first.mean(0) - second.mean(0)
    expected = apart @ apart + np.trace(one + other - 2 * np.real(sqrtm(one @ other)))
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(second, first) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-6)
    flat = np.concatenate([first, np.zeros((200, 1))], axis=1)
    assert frechet_distance(flat, flat) == pytest.approx(0, abs=1e-6), "a feature that never changes"


def test_patch_means_keep_colours_and_nothing_else(images: np.ndarray) -> None:
    result = patch_means(images, 8)
    assert result.shape == images.shape
    assert (result[:, :, 8:16, :8] == result[:, :, 8:9, :1]).all()
    assert result[1, 2, 17, 20] == round(images[1, 2, 16:, 16:].mean())
