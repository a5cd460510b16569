"""How informative the prototypes of a self-distilled encoder are: the loss alone does not show a collapse."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Float, Int64

Labels = Int64[np.ndarray, " images"]

_SHUFFLES: Final = 20


@dataclass(frozen=True, slots=True)
class Explained:
    """The share of an attribute's entropy that an image's prototype explains, in per cent.

    Attributes:
        value: with the true labels.
        shuffled: the mean with shuffled labels; above 0 for few images.
        deviation: the standard deviation between shuffles.
    """

    value: float
    shuffled: float
    deviation: float

    @property
    def is_chance(self) -> bool:
        """Whether shuffled labels are explained just as well."""
        return self.value <= self.shuffled + 2 * self.deviation


@dataclass(frozen=True, slots=True)
class PrototypeUse:
    """How a teacher sorts images into its prototypes.

    Attributes:
        prototypes: how many there are.
        used: how many have an image assigned to them.
        effective: the exponential of the entropy of their shares: how many there are if all are used equally.
        certainty: the mean of the greatest probability; 1 / prototypes if the teacher tells no image from another.
        explained: what they explain of each attribute.
    """

    prototypes: int
    used: int
    effective: float
    certainty: float
    explained: Mapping[str, Explained]

    def plain(self) -> dict[str, Any]:
        """Returns it as JSON-like values, as a checkpoint's config.json keeps it."""
        shares = {
            name: {"value": round(each.value, 2), "shuffled": round(each.shuffled, 2)}
            for name, each in self.explained.items()
        }
        return {
            "prototypes": self.prototypes,
            "used": self.used,
            "effective": round(self.effective, 2),
            "certainty": round(self.certainty, 4),
            "told": shares,
        }


def use_of_prototypes(
    probabilities: Float[np.ndarray, "images prototypes"], attributes: Mapping[str, Labels]
) -> PrototypeUse:
    """Returns how images are sorted into prototypes, each into its most probable one.

    Args:
        probabilities: the teacher's, centred and sharpened as in training.
        attributes: labels of every image by attribute, such as its category.
    """
    assignments = probabilities.argmax(axis=1)
    counts = np.bincount(assignments)
    return PrototypeUse(
        prototypes=probabilities.shape[1],
        used=int((counts > 0).sum()),
        effective=float(np.exp(_entropy(counts))),
        certainty=float(probabilities.max(axis=1).mean()),
        explained={name: _with_shuffles(assignments, labels) for name, labels in attributes.items()},
    )


def _with_shuffles(assignments: Labels, labels: Labels) -> Explained:
    rng = np.random.default_rng(0)
    shuffled = [uncertainty_coefficient(assignments, rng.permutation(labels)) for _ in range(_SHUFFLES)]
    return Explained(
        uncertainty_coefficient(assignments, labels), float(np.mean(shuffled)), float(np.std(shuffled))
    )


def uncertainty_coefficient(assignments: Labels, labels: Labels) -> float:
    """Returns the mutual information of two labellings over the entropy of the second, in per cent."""
    _, rows = np.unique(assignments, return_inverse=True)
    _, columns = np.unique(labels, return_inverse=True)
    joint = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(joint, (rows, columns), 1)
    entropy = _entropy(joint.sum(axis=0))
    if entropy == 0:
        return 0.0
    return 100 * float(_entropy(joint.sum(axis=1)) + entropy - _entropy(joint.ravel())) / entropy


def _entropy(counts: np.ndarray) -> float:
    """Returns the entropy, in nats, of a distribution given as counts."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
