"""The gate lets pass what learnt categories, and says of the rest what was measured and what to do."""

import numpy as np
import pytest

from vistok.probes.gate import collapses, refusal, shortfalls
from vistok.probes.prototypes import use_of_prototypes
from vistok.probes.values import CellProbe, Estimate

BLOCKS = 50


def estimate(value: float, error: float, seed: int = 0) -> Estimate:
    """An estimate of a standard error; those of another seed vary apart from it."""
    noise = np.random.default_rng(seed).normal(size=BLOCKS)
    noise = (noise - noise.mean()) / noise.std() * error / (BLOCKS - 1) ** 0.5
    return Estimate(value, tuple(value + noise))


def probe(linear: Estimate, category: Estimate, rank: float = 20.0) -> CellProbe:
    return CellProbe(linear, None, {"category": category}, rank, 4000, 1000, 12.0)


START = probe(estimate(83.0, 0.6), estimate(8.0, 0.4))


def test_what_gained_on_both_passes() -> None:
    assert shortfalls(probe(estimate(86.0, 0.6, 1), estimate(20.0, 0.5, 1)), START) == []


def test_a_gain_is_held_to_twice_the_error_of_pairs() -> None:
    near = probe(
        estimate(83.7, 0.6), estimate(8.5, 0.4)
    )  # the same images are hard for both: hardly any error
    assert shortfalls(near, START) == []
    apart = probe(estimate(83.7, 0.6, 1), estimate(8.5, 0.4, 1))
    assert len(shortfalls(apart, START)) == 2


def test_it_says_what_is_missing() -> None:
    (linear,) = shortfalls(probe(estimate(82.0, 0.6, 1), estimate(20.0, 0.5, 1)), START)
    assert linear.startswith(
        "a ridge classifier names the category of 82.0 % of boxes, and 83.0 % before any step: a gain of -1.0"
    )
    (share,) = shortfalls(probe(estimate(86.0, 0.6, 1), estimate(1.2, 0.1, 1)), START)
    assert share.startswith("category is 1.2 % of the tokens' variance, and 8.0 % before any step")


def sorted_by(labels: np.ndarray, prototypes: int, certainty: float) -> np.ndarray:
    probabilities = np.full((len(labels), prototypes), (1 - certainty) / (prototypes - 1))
    probabilities[np.arange(len(labels)), labels] = certainty
    return probabilities


CHANCE = np.random.default_rng(1)
GROUND, CATEGORY = CHANCE.integers(0, 8, 2000), CHANCE.integers(0, 9, 2000)
KNOWN = {"category": CATEGORY, "background": GROUND}


def test_a_collapse_onto_the_background_is_noticed() -> None:
    """As measured of DINO in a world of one background an image: few prototypes, and a loss at its floor."""
    use = use_of_prototypes(sorted_by(GROUND, 256, 0.9), KNOWN)
    (found,) = collapses(START, use)
    assert (
        "tell nothing of category (8 of 256 prototypes are used, 8.0 in effect): 100 % of background" in found
    )
    assert collapses(START, use_of_prototypes(sorted_by(CATEGORY, 256, 0.9), KNOWN)) == []


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        (sorted_by(np.zeros(2000, dtype=int), 16, 0.9), "sends all images to one prototype (1 of 16"),
        (sorted_by(CATEGORY, 16, 0.07), "is sure of no image: 7.0 %"),
    ],
)
def test_both_ways_of_a_total_collapse_are_noticed(probabilities: np.ndarray, message: str) -> None:
    (found,) = collapses(START, use_of_prototypes(probabilities, KNOWN))
    assert message in found


def test_tokens_on_a_line_are_noticed_of_any_objective() -> None:
    (found,) = collapses(probe(START.linear, START.shares["category"], rank=1.3))
    assert found == "its tokens vary in 1.3 directions, where at least 2 are needed"


def test_the_refusal_says_what_to_do() -> None:
    text = refusal("dino/seed-0", ["one thing", "another"], "dino")
    assert text.startswith(
        "tokenizer 'dino/seed-0' does not show what its pretraining is for: one thing; another."
    )
    for named in ("`pretraining.dino`", "`measured_cause`", "workflow/grid/tokenizers.yaml"):
        assert named in text
