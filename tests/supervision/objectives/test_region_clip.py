"""RegionCLIP: its three losses by a reference of their own, its regions, and what learns."""

import math

import pytest
import torch
from torch.nn import functional

from vistok.errors import VistokError
from vistok.supervision.objectives.region_clip import concept_contrast, cut, distillation


def rows(seed: int, count: int = 4, concepts: int = 5) -> tuple[list[list[float]], list[list[float]]]:
    generator = torch.Generator().manual_seed(seed)
    return tuple((4 * torch.randn(count, concepts, generator=generator)).tolist() for _ in range(2))  # type: ignore[return-value]


def likelihoods(row: list[float]) -> list[float]:
    total = sum(map(math.exp, row))
    return [math.exp(value) / total for value in row]


@pytest.mark.parametrize("least", [0.0, 0.6])
def test_a_region_is_told_from_the_labels_of_the_batch_alone(least: float) -> None:
    student, teacher = rows(0, count=6)
    labels = [max(range(5), key=row.__getitem__) for row in teacher]
    sure = [i for i, row in enumerate(teacher) if max(likelihoods(row)) >= least]
    assert len(sure) in (range(1, 6) if least else {6})
    present = {labels[i] for i in sure}
    losses = [
        -math.log(math.exp(student[i][labels[i]]) / sum(math.exp(student[i][name]) for name in present))
        for i in sure
    ]
    result = concept_contrast(torch.tensor(student), torch.tensor(teacher), least)
    assert result.item() == pytest.approx(sum(losses) / len(losses), rel=1e-5)


def test_without_a_sure_label_nothing_is_contrasted() -> None:
    student = torch.zeros(2, 4, requires_grad=True)
    loss = concept_contrast(student, torch.zeros(2, 4), 0.5)
    loss.backward()
    assert loss.item() == 0.0
    assert torch.equal(student.grad, torch.zeros(2, 4))


def test_distillation_is_the_divergence_from_the_teacher() -> None:
    student, teacher = rows(1)
    expected = 0.0
    for said, taught in zip(student, teacher, strict=True):
        p, q = likelihoods(taught), likelihoods(said)
        expected += sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)) / 4
    assert distillation(torch.tensor(student), torch.tensor(teacher)).item() == pytest.approx(
        expected, rel=1e-5
    )
    assert distillation(torch.tensor(teacher), torch.tensor(teacher)).item() == pytest.approx(0.0, abs=1e-6)


def test_by_hand() -> None:
    """Two concepts; the teacher is 3 to 1 for the first, the student even: log 2, and 3/4 log 3/2 + 1/4 log 1/2."""
    student, teacher = torch.zeros(2, 2), torch.tensor([[math.log(3), 0.0], [0.0, math.log(3)]])
    assert concept_contrast(student, teacher, 0.1).item() == pytest.approx(math.log(2))
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert distillation(student, teacher).item() == pytest.approx(expected)


def test_a_region_of_whole_patches_is_their_mean(make) -> None:
    objective = make("region-clip")
    tokens = torch.randn(2, 10, 32)
    boxes = torch.tensor(
        [[[0, 0, 1 / 3, 1 / 3], [1 / 3, 0, 1, 1.0]], [[2 / 3, 2 / 3, 1, 1.0], [0, 0, 1, 1.0]]]
    )
    result = objective.regions(tokens, boxes).view(2, 2, 32)
    # One sample of a cell is bilinear between the centres of patches: a region of one patch reaches into others.
    grid = tokens[:, 1:].view(2, 3, 3, 32)
    inner = functional.grid_sample(
        grid[1:].permute(0, 3, 1, 2), torch.tensor([[[[-0.5, -0.5], [0.5, -0.5]], [[-0.5, 0.5], [0.5, 0.5]]]]),
        align_corners=False,
    )  # fmt: skip
    assert torch.allclose(result[1, 1], inner.mean((2, 3))[0], atol=1e-5)
    assert not torch.allclose(result[0, 0], result[0, 1], atol=1e-2)


def test_the_teacher_sees_a_region_as_an_image(make, data) -> None:
    objective = make("region-clip")
    images = objective.batch(data, 0)["taught"][:2]
    whole = torch.tensor([[[0, 0, 1, 1.0]]] * 2)
    assert torch.allclose(cut(images, whole, 24), images, atol=1e-5)
    result = objective.taught_regions(images, whole)
    crops = cut(images, whole, 24)
    with torch.no_grad():
        expected = objective.teacher_projection(objective.teacher(crops)[:, 0])
    assert torch.equal(result, expected)
    left = torch.tensor([[[0, 0, 0.5, 1.0]]] * 2)
    assert not torch.allclose(objective.taught_regions(images, left), result, atol=1e-3)


def test_the_loss_is_the_sum_of_the_three(make, data) -> None:
    parts = []
    for wanted in ("contrast_weight", "distillation_weight", "image_weight"):
        weights = dict.fromkeys(("contrast_weight", "distillation_weight", "image_weight"), 0.0) | {
            wanted: 1.0
        }
        objective = make("region-clip", **weights)
        parts.append(objective.loss(objective.batch(data, 0), 0).item())
    objective = make("region-clip")
    assert objective.loss(objective.batch(data, 0), 0).item() == pytest.approx(sum(parts), rel=1e-5)
    assert sum(part > 0 for part in parts) >= 2  # one label in a batch has nothing to be told from


def test_regions_come_from_the_proposer_and_never_from_annotations(make, data) -> None:
    objective = make("region-clip")
    assert objective.needs == {"captions"}
    batch = objective.batch(data, 0)
    assert batch.keys() == {"images", "taught", "asked", "tokens"}
    before = objective.loss(batch, 0)
    with torch.no_grad():
        objective.proposer.box_head.bias += 1.0
    assert not torch.equal(objective.loss(batch, 0), before)


def test_without_a_proposer_it_is_refused(setup_of, make) -> None:
    from vistok.supervision.base import make_objective

    pretraining = make("region-clip").pretraining
    with pytest.raises(VistokError, match="the region-clip objective needs a proposer: name one as"):
        make_objective("region-clip", setup_of("region-clip", pretraining, proposer=None))
    with pytest.raises(VistokError, match="the region-clip objective needs a base: name one as"):
        make_objective("region-clip", setup_of("region-clip", pretraining, base=None))
