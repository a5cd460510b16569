"""The linear probe of whole images finds what is there, and nothing where nothing is."""

import numpy as np
import pytest

from vistok.errors import VistokError
from vistok.probes.presence import area_under_curve, presence_auc


def test_the_area_is_the_share_of_ordered_pairs() -> None:
    scores, present = np.array([0.9, 0.4, 0.4, 0.1]), np.array([True, True, False, False])
    # Pairs: 0.9 beats both; 0.4 ties with one and beats the other.
    assert area_under_curve(scores, present) == pytest.approx((2 + 0.5 + 1) / 4)


def tokens_and_presence(signal: float) -> tuple[np.ndarray, np.ndarray]:
    """Four patches an image whose mean tells categories, behind a token that says nothing."""
    chance = np.random.default_rng(0)
    presence = chance.random((1200, 3)) < 0.4
    features = chance.normal(size=(1200, 10))
    features[:, :3] += signal * presence
    patches = (features @ chance.normal(size=(10, 10)) * 5 + 3)[:, None] + np.array([[-9.0], [9], [4], [-4]])
    return np.concatenate([chance.normal(size=(1200, 1, 10)) * 100, patches], axis=1), presence


@pytest.mark.parametrize(("signal", "least", "greatest"), [(0.0, 45, 55), (1.0, 72, 80), (8.0, 99.9, 100)])
def test_it_finds_what_is_there(signal: float, least: float, greatest: float) -> None:
    assert least <= presence_auc(*tokens_and_presence(signal)) <= greatest


def test_a_category_that_is_always_there_is_left_out() -> None:
    tokens, presence = tokens_and_presence(8.0)
    presence[:, 1] = True
    assert presence_auc(tokens, presence) > 99.9
    with pytest.raises(VistokError, match="no category"):
        presence_auc(tokens, np.ones((1200, 2), bool))
