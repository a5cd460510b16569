"""The supervised objective's targets, mixing and windows."""

import numpy as np
import pytest
import torch

from vistok.supervision.objectives.supervised import mix, smooth_targets


def test_smoothing_spreads_over_all_classes() -> None:
    targets = smooth_targets(np.array([2, 0]), classes=4, smoothing=0.1)
    assert torch.allclose(targets, torch.tensor([[0.025, 0.025, 0.925, 0.025], [0.925, 0.025, 0.025, 0.025]]))


def test_mixing_pairs_each_row_with_its_mirror() -> None:
    values = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]])
    assert torch.allclose(mix(values, 0.75), torch.tensor([[1.25, 0.5], [0.0, 1.0], [1.75, 1.5]]))


def test_the_loss_is_cross_entropy_with_the_soft_targets(make, data) -> None:
    objective = make("supervised", mixed=1.0)
    batch = objective.batch(data, 0)
    seen = {}
    objective.head.register_forward_hook(lambda _module, _given, logits: seen.update(logits=logits))
    loss = objective.loss(batch, 0)
    expected = -(batch["targets"] * seen["logits"].log_softmax(-1)).sum(-1).mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert torch.allclose(batch["targets"].sum(-1), torch.ones(12))


def test_classes_are_counted_from_the_labels(make) -> None:
    assert make("supervised").head.out_features == 4


def test_windows_have_the_asked_sides_and_fit_their_corner(make, data) -> None:
    objective = make("supervised", window_least=1, window_greatest=3)
    sides = set()
    for step in range(12):
        batch = objective.batch(data, step)
        side = batch["images"].shape[-1] // 8
        assert (batch["corner"] + side <= 3).all()
        sides.add(side)
    assert sides == {1, 2, 3}
