"""The linear probe finds what is there, finds nothing where nothing is, and its gate speaks plainly."""

import numpy as np
import pytest

from vistok.errors import VistokError
from vistok.supervision.encoder import build_encoder, embed, encode
from vistok.supervision.probe import area_under_curve, check_gate, linear_probe, mean_patch_features


def test_the_area_is_the_share_of_ordered_pairs() -> None:
    scores, present = np.array([0.9, 0.4, 0.4, 0.1]), np.array([True, True, False, False])
    # Pairs: 0.9 beats both; 0.4 ties with one and beats the other.
    assert area_under_curve(scores, present) == pytest.approx((2 + 0.5 + 1) / 4)


def features_and_presence(signal: float) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(0)
    presence = chance.random((1200, 3)) < 0.4
    features = chance.normal(size=(1200, 10))
    features[:, :3] += signal * presence
    return features @ chance.normal(size=(10, 10)) * 5 + 3, presence


@pytest.mark.parametrize(("signal", "least", "greatest"), [(0.0, 45, 55), (1.0, 72, 80), (8.0, 99.9, 100)])
def test_it_finds_what_is_there(signal: float, least: float, greatest: float) -> None:
    features, presence = features_and_presence(signal)
    pixels = np.arange(1200)  # stands for the images: the features are looked up
    auc = linear_probe(lambda chosen: features[chosen], pixels, presence, seed=0)
    assert least <= auc <= greatest


def test_a_category_that_is_always_there_is_left_out() -> None:
    features, presence = features_and_presence(8.0)
    presence[:, 1] = True
    assert linear_probe(lambda chosen: features[chosen], np.arange(1200), presence, seed=0) > 99.9
    with pytest.raises(VistokError, match="no category"):
        linear_probe(lambda chosen: features[chosen], np.arange(1200), np.ones((1200, 2), bool), seed=0)


def test_features_are_the_mean_patch_before_the_norm(encoder, data) -> None:
    from vistok.supervision import augment

    built, pixels = build_encoder(encoder), data.examples(range(24), frozenset()).pixels
    features = mean_patch_features(built, "imagenet", batch=7)(pixels)
    images = augment.normalise(augment.from_bytes(pixels), "imagenet")
    tokens = encode(built, embed(built, images), norm=False).detach()
    assert np.allclose(features, tokens[:, 1:].mean(1).numpy(), atol=1e-5)


def test_the_gate_lets_pass_or_says_what_to_change() -> None:
    check_gate(90.0, 90.0, "clip")
    with pytest.raises(VistokError, match=r"'clip'.* 71\.3 % was measured, 90\.0 % is needed.*`pretraining`"):
        check_gate(71.3, 90.0, "clip")
