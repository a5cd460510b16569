"""What prototypes tell is mutual information, and nothing where labels are those of other images."""

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from vistok.probes.prototypes import uncertainty_coefficient, use_of_prototypes

CHANCE = np.random.default_rng(0)


def test_the_uncertainty_coefficient_is_mutual_information_over_entropy() -> None:
    chosen, labels = CHANCE.integers(0, 7, 500), CHANCE.integers(0, 4, 500)
    chosen[:300] = labels[:300]
    shares = np.bincount(labels) / 500
    expected = mutual_info_score(labels, chosen) / -(shares * np.log(shares)).sum()
    assert uncertainty_coefficient(chosen, labels) == pytest.approx(100 * expected)
    assert uncertainty_coefficient(labels, labels) == pytest.approx(100)
    assert uncertainty_coefficient(np.zeros(500, dtype=int), labels) == pytest.approx(0, abs=1e-9)
    assert uncertainty_coefficient(chosen, np.zeros(500, dtype=int)) == 0.0


def test_use_counts_prototypes_and_says_what_they_tell() -> None:
    ground, category = CHANCE.integers(0, 4, 2000), CHANCE.integers(0, 9, 2000)
    probabilities = np.full((2000, 16), 0.02)
    probabilities[np.arange(2000), 3 * ground] = 0.7
    use = use_of_prototypes(probabilities, {"category": category, "ground": ground})
    assert (use.prototypes, use.used) == (16, 4)
    assert use.effective == pytest.approx(4, abs=0.02) and use.certainty == pytest.approx(0.7)
    assert use.explained["ground"].value == pytest.approx(100) and not use.explained["ground"].is_chance
    assert use.explained["category"].is_chance
    assert use.explained["category"].value == pytest.approx(use.explained["category"].shuffled, abs=0.5)
    assert use.plain()["told"]["ground"] == {"value": 100.0, "shuffled": pytest.approx(0.2, abs=0.2)}
