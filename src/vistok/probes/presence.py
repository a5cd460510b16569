"""The linear probe of whole images: does the mean of an encoder's tokens tell which categories are in an image?"""

import numpy as np
from jaxtyping import Bool, Float

from vistok.errors import VistokError
from vistok.probes.cells import Tokens, grid_side
from vistok.probes.readers import ridge_scores

Presence = Bool[np.ndarray, "images categories"]


def presence_auc(tokens: Tokens, presence: Presence, *, seed: int = 0) -> float:
    """Returns how well linear classifiers tell the categories of an image: their mean AUC, in per cent.

    One ridge classifier per category is fitted in closed form on the mean patch of a random half of the images and
    scored on the other half. 50 is chance. Categories that a half has in all or none of its images are left out.

    Raises:
        VistokError: no category can be scored, or the tokens are of no square grid.
    """
    patches = grid_side(tokens.shape[1]) ** 2
    features = np.asarray(tokens[:, -patches:].mean(axis=1), dtype=np.float64)
    order = np.random.default_rng(seed).permutation(len(features))
    fitted, scored = order[: len(order) // 2], order[len(order) // 2 :]
    telling = np.logical_and.reduce([_varies(presence[half]) for half in (fitted, scored)])
    if not telling.any():
        raise VistokError(
            f"the linear probe has {len(features)} images, and no category is in some and not in all of either "
            "half of them. Give the scale's `probe_set` more images, or images with instance labels."
        )
    targets = presence[fitted][:, telling].astype(np.float64)
    scores = ridge_scores(features[fitted], targets, features[scored])
    areas = [
        area_under_curve(*column) for column in zip(scores.T, presence[scored][:, telling].T, strict=True)
    ]
    return 100 * float(np.mean(areas))


def _varies(presence: Presence) -> Bool[np.ndarray, " categories"]:
    return np.asarray(presence.any(axis=0) & ~presence.all(axis=0))


def area_under_curve(scores: Float[np.ndarray, " images"], present: Bool[np.ndarray, " images"]) -> float:
    """Returns the area under the ROC curve: how often a positive outscores a negative (a tie: one half)."""
    positives, negatives = scores[present], np.sort(scores[~present])
    below = np.searchsorted(negatives, positives, side="left") + np.searchsorted(
        negatives, positives, side="right"
    )
    return float(below.mean() / (2 * len(negatives)))
