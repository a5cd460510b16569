"""DINOv2: what is hidden from the student alone, its three terms, and the spread term by hand."""

import math

import pytest
import torch

from vistok.supervision.objectives.dinov2 import spread_loss


def test_the_student_does_not_see_what_is_hidden_and_the_teacher_does(make, data) -> None:
    objective = make("dinov2", mask_share=1.0)
    batch = objective.batch(data, 0)
    place = int(batch["hidden"][0].nonzero()[0])
    row, column = 8 * (place // 3), 8 * (place % 3)
    changed = {**batch, "global": batch["global"].clone()}
    changed["global"][0, :, row : row + 8, column : column + 8] = 3.0
    for before, after in zip(objective._student(batch), objective._student(changed), strict=True):
        assert torch.equal(before, after)
    first, second = (objective._teacher(views, 0.04)[0] for views in (batch, changed))
    assert not torch.allclose(first[0], second[0])


def test_the_patch_term_counts_with_its_weight(make, data) -> None:
    losses = []
    for weight in (0.0, 1.0, 2.0):
        objective = make("dinov2", patch_weight=weight)
        losses.append(objective.loss(objective.batch(data, 0), 0).item())
    assert losses[1] - losses[0] > 0.5
    assert losses[2] - losses[1] == pytest.approx(losses[1] - losses[0], rel=1e-4)


def test_both_heads_have_teachers_that_follow(make) -> None:
    objective = make("dinov2")
    assert [teacher for _, teacher in objective.taught()] == [
        objective.teacher_encoder,
        objective.teacher_head,
        objective.teacher_patch_head,
    ]


def test_patches_have_a_centre_of_their_own(make, data) -> None:
    objective = make("dinov2")
    for step in range(2):
        objective.loss(objective.batch(data, step), step)
        objective.after_step(step)
    assert not torch.allclose(objective.patch_centre.value, objective.centre.value)


def test_the_spread_term_is_the_log_distance_to_the_nearest() -> None:
    features = torch.tensor([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]])
    # On the unit circle: neighbours at right angles, at distance sqrt(2).
    assert spread_loss(features).item() == pytest.approx(-math.log(math.sqrt(2)), rel=1e-5)


def test_the_spread_term_pushes_the_nearest_apart() -> None:
    features = torch.tensor([[1.0, 0.0], [1.0, 0.1], [-1.0, 0.0]], requires_grad=True)
    spread_loss(features).backward()
    assert features.grad[0, 1] > 0  # a step down the gradient moves the first away from the second
    assert features.grad[1, 1] < 0
