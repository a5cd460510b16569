"""The loss over views, the mean teacher, the schedules and the crops, against values worked out by hand."""

import pytest
import torch

from vistok.errors import VistokError
from vistok.supervision.self_distillation import (
    rising_momentum,
    view_cross_entropy,
)


def test_the_loss_pairs_each_global_crop_with_every_other_crop() -> None:
    torch.manual_seed(0)
    teacher, student = torch.randn(2, 3, 5).softmax(-1), torch.randn(4, 3, 5)
    total = 0.0
    for i in range(2):
        for j in range(4):
            if i != j:
                total += float(-(teacher[i] * (student[j] / 0.1).log_softmax(-1)).sum(-1).mean())
    assert view_cross_entropy(teacher, student, 0.1).item() == pytest.approx(total / 6, rel=1e-5)


def test_momentum_rises_from_its_start_to_one() -> None:
    assert rising_momentum(0.9, 0, 100) == pytest.approx(0.9)
    assert rising_momentum(0.9, 50, 100) == pytest.approx(0.95)
    assert rising_momentum(0.9, 100, 100) == pytest.approx(1.0)


def test_the_teacher_starts_as_the_student_and_is_its_running_mean(make) -> None:
    objective = make("dino", teacher_momentum=0.75)
    pairs = [
        (new, old)
        for student, teacher in objective.taught()
        for new, old in zip(student.parameters(), teacher.parameters(), strict=True)
    ]
    assert all(torch.equal(new, old) for new, old in pairs)
    before = [old.clone() for _, old in pairs]
    with torch.no_grad():
        for new, _ in pairs:
            new += 1.0
    objective.after_step(0)
    for (_, old), was in zip(pairs, before, strict=True):
        assert torch.allclose(old, was + 0.25, atol=1e-6)


def test_the_teacher_s_temperature_rises_and_stays(make) -> None:
    objective = make(
        "dino",
        steps=100,
        teacher_temperature_start=0.04,
        teacher_temperature_end=0.07,
        teacher_temperature_warmup=0.3,
    )
    assert [objective.teacher_temperature(step) for step in (0, 15, 30, 90)] == pytest.approx(
        [0.04, 0.055, 0.07, 0.07]
    )
    assert make("dino").teacher_temperature(0) == pytest.approx(0.04)


def test_prototypes_are_frozen_for_the_first_steps_only(make) -> None:
    objective = make("dino", steps=100, freeze_prototypes=0.05)
    assert [objective.frozen(step) for step in (0, 4, 5)] == [True, True, False]


def test_crops_come_view_by_view_in_their_sizes(make, data) -> None:
    objective = make("dino", global_size=16, local_crops=3, local_size=8)
    batch = objective.batch(data, 0)
    assert batch["global"].shape == (24, 3, 16, 16)
    assert batch["local"].shape == (36, 3, 8, 8)
    # The n-th crop of each view is of the n-th image: red ones stay red where colours are left alone.
    for crops in (batch["global"], batch["local"]):
        red = crops[:, 0].mean((1, 2)) > crops[:, 2].mean((1, 2))
        assert torch.equal(red.view(-1, 12), red[:12].expand(len(red) // 12, 12))


def test_corners_leave_room_for_the_crop(make, data) -> None:
    objective = make("dino", global_size=16, local_crops=2, local_size=8)
    corners = [objective.batch(data, step)["local_corner"].tolist() for step in range(20)]
    assert {place for corner in corners for place in corner} == {0, 1, 2}
    assert make("dino").batch(data, 0)["global_corner"].tolist() == [0, 0]


@pytest.mark.parametrize(("option", "size"), [("global_size", 20), ("local_size", 32), ("global_size", 0)])
def test_a_crop_that_does_not_cut_into_patches_is_refused(make, option, size) -> None:
    with pytest.raises(VistokError, match=f"{option}.*multiples of 8 up to its image size, 24"):
        make("dino", **{"local_crops": 1, "local_size": 16, option: size})
