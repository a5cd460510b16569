"""The linear probe: does a tokenizer know which categories are in an image, without a language model?"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from timm.models.vision_transformer import VisionTransformer

from vistok.errors import VistokError
from vistok.grid.values import Normalisation
from vistok.supervision import augment
from vistok.supervision.encoder import embed, encode, split_class_token
from vistok.tokenizers.base import VisualTokenizer

Pixels = UInt8[np.ndarray, "images height width 3"]
Features = Float[np.ndarray, "images width"]

_PENALTY = 1e-2  # of the ridge, beside features of unit variance: chosen, the AUC is flat from 1e-3 to 1e-1


def linear_probe(
    encoder_features: Callable[[Pixels], Features],
    pixels: Pixels,
    presence: Bool[np.ndarray, "images categories"],
    *,
    seed: int,
) -> float:
    """Returns how well linear classifiers tell the categories of an image: their mean AUC, in per cent.

    One ridge classifier per category is fitted in closed form on a random half of the images and scored on the
    other half. 50 is chance. Categories that a half has in all or none of its images are left out.

    Raises:
        VistokError: no category can be scored.
    """
    features = np.asarray(encoder_features(pixels), dtype=np.float64)
    order = np.random.default_rng(seed).permutation(len(pixels))
    fitted, scored = order[: len(order) // 2], order[len(order) // 2 :]
    telling = np.logical_and.reduce([_varies(presence[half]) for half in (fitted, scored)])
    if not telling.any():
        raise VistokError(
            f"the linear probe has {len(pixels)} images, and no category is in some and not in all of either "
            "half of them. Give the scale's `probe_set` more images, or images with instance labels."
        )
    scores = _ridge_scores(features[fitted], presence[fitted][:, telling], features[scored])
    areas = [
        area_under_curve(*column) for column in zip(scores.T, presence[scored][:, telling].T, strict=True)
    ]
    return 100 * float(np.mean(areas))


def _varies(presence: Bool[np.ndarray, "images categories"]) -> Bool[np.ndarray, " categories"]:
    return np.asarray(presence.any(axis=0) & ~presence.all(axis=0))


def _ridge_scores(features: Features, presence: np.ndarray, others: Features) -> np.ndarray:
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-8
    fitted, scored = (features - mean) / deviation, (others - mean) / deviation
    targets = presence - presence.mean(axis=0)
    covariance = fitted.T @ fitted / len(fitted) + _PENALTY * np.eye(fitted.shape[1])
    return np.asarray(scored @ np.linalg.solve(covariance, fitted.T @ targets / len(fitted)))


def area_under_curve(scores: Float[np.ndarray, " images"], present: Bool[np.ndarray, " images"]) -> float:
    """Returns the area under the ROC curve: how often a positive outscores a negative (a tie: one half)."""
    positives, negatives = scores[present], np.sort(scores[~present])
    below = np.searchsorted(negatives, positives, side="left") + np.searchsorted(
        negatives, positives, side="right"
    )
    return float(below.mean() / (2 * len(negatives)))


def mean_patch_features(
    encoder: VisionTransformer, normalisation: Normalisation, *, batch: int = 256
) -> Callable[[Pixels], Features]:
    """Returns a function from images of the encoder's size to the mean patch of its last block, before the norm."""

    @torch.no_grad()
    def features(pixels: Pixels) -> Features:
        means = []
        for start in range(0, len(pixels), batch):
            images = augment.normalise(augment.from_bytes(pixels[start : start + batch]), normalisation)
            _, patches = split_class_token(encoder, encode(encoder, embed(encoder, images), norm=False))
            means.append(patches.mean(dim=1).double().numpy())
        return np.concatenate(means)

    return features


def mean_token_features(tokenizer: VisualTokenizer, *, batch: int = 64) -> Callable[[Pixels], Features]:
    """Returns a function from images of a tokenizer's size to the mean of its visual tokens, of any kind of encoder."""

    @torch.no_grad()
    def features(pixels: Pixels) -> Features:
        parts = (augment.from_bytes(pixels[start : start + batch]) for start in range(0, len(pixels), batch))
        normalised = (augment.normalise(images, tokenizer.encoder.normalisation) for images in parts)
        return np.concatenate([tokenizer(images).mean(dim=1).double().numpy() for images in normalised])

    return features


def check_gate(auc: float, gate: float, tokenizer: str) -> None:
    """Stops a study whose tokenizer does not see what is asked about.

    Args:
        auc: what `linear_probe` measured, in per cent.
        gate: the least that the scale asks for (`probe_gate`).
        tokenizer: the tokenizer's id.

    Raises:
        VistokError: the probe is below the gate.
    """
    if auc < gate:
        raise VistokError(
            f"tokenizer {tokenizer!r} misses its linear-probe gate: a mean category AUC of {auc:.1f} % was "
            f"measured, {gate:.1f} % is needed (50 is chance). Raise its `steps`, `batch` or learning rate under "
            "`pretraining` in the scale's YAML, give it more images, or lower `probe_gate` there."
        )
