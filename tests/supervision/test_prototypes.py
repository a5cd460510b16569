"""Heads and centring, against values worked out by hand."""

import math

import pytest
import torch

from vistok.supervision.prototypes import Centre, ProjectionHead


def test_the_teacher_is_centred_and_sharpened() -> None:
    centre = Centre(prototypes=2, momentum=0.9)
    centre.sharpen(torch.zeros(1, 2), 1.0)  # the first batch sets the centre
    centre.value.copy_(torch.tensor([0.1, 0.3]))
    probabilities = centre.sharpen(torch.tensor([[0.5, 0.5]]), temperature=0.1)
    expected = 1 / (1 + math.exp(-2.0))  # logits (0.4, 0.2) / 0.1
    assert torch.allclose(probabilities, torch.tensor([[expected, 1 - expected]]))


def test_the_centre_starts_at_the_first_mean_and_follows_later_ones() -> None:
    centre = Centre(prototypes=2, momentum=0.9)
    centre.sharpen(torch.tensor([[1.0, 0.0], [3.0, 2.0]]), 0.04)
    assert centre.value.tolist() == [2.0, 1.0]
    centre.sharpen(torch.tensor([[[12.0, 1.0]], [[12.0, -3.0]]]), 0.04)
    assert centre.value.tolist() == [2.0, 1.0]  # not before the step is over
    centre.update()
    assert centre.value.tolist() == pytest.approx([0.9 * 2 + 0.1 * 12, 0.9 * 1 + 0.1 * -1])


def test_prototypes_are_compared_by_angle() -> None:
    torch.manual_seed(0)
    head = ProjectionHead(width=8, hidden=16, bottleneck=4, prototypes=6)
    features = torch.randn(5, 8)
    with torch.no_grad():
        cosines = head(features)
        head.prototypes *= torch.rand(6, 1) + 0.5
        assert torch.allclose(head(features), cosines, atol=1e-6)
    assert cosines.abs().max() <= 1 + 1e-6


def test_frozen_prototypes_give_the_same_and_get_a_gradient_of_zero() -> None:
    torch.manual_seed(0)
    head = ProjectionHead(width=8, hidden=16, bottleneck=4, prototypes=6)
    features = torch.randn(5, 8)
    assert torch.equal(head(features), head(features, frozen=True))
    head(features, frozen=True).square().sum().backward()
    assert head.prototypes.grad.abs().max() == 0
    assert head.perceptron[0].weight.grad.abs().max() > 0
