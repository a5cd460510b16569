"""Matching and the losses of boxes, against a reference that tries every assignment, and by hand."""

import itertools
import math

import numpy as np
import pytest
import torch

from vistok.supervision.data import Regions
from vistok.supervision.detection import FOCAL_DEFAULTS, BoxHead, detection_loss, match, mirror_some, padded
from vistok.supervision.draws import Draws

OPTIONS = dict(FOCAL_DEFAULTS)


def focal(logit: float, there: bool) -> float:
    p = 1 / (1 + math.exp(-logit))
    return -0.3 * (1 - p) ** 2 * math.log(p) if there else -0.7 * p**2 * math.log(1 - p)


def overlap(one: list[float], other: list[float]) -> float:
    """Generalised intersection over union (Rezatofighi et al. 2019)."""

    def area(box: list[float]) -> float:
        return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])

    inner = [max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])]
    outer = [min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])]
    union = area(one) + area(other) - area(inner)
    return area(inner) / union - (area(outer) - union) / area(outer)


def drawn(seed: int, patches: int, classes: int, objects: int) -> tuple[torch.Tensor, ...]:
    rng = np.random.default_rng(seed)

    def boxes(count: int) -> torch.Tensor:
        corner, size = rng.uniform(0, 0.6, (count, 2)), rng.uniform(0.1, 0.4, (count, 2))
        return torch.tensor(np.concatenate([corner, corner + size], 1), dtype=torch.float32)

    logits = torch.tensor(rng.normal(size=(patches, classes)), dtype=torch.float32)
    return logits, boxes(patches), boxes(objects), torch.tensor(rng.integers(0, classes, objects))


def pair_cost(said: torch.Tensor, box: torch.Tensor, true: torch.Tensor, category: int) -> float:
    logit = float(said[category])
    apart = sum(abs(a - b) for a, b in zip(box.tolist(), true.tolist(), strict=True))
    return focal(logit, True) - focal(logit, False) + apart - overlap(box.tolist(), true.tolist())


@pytest.mark.parametrize("seed", range(5))
def test_the_match_is_the_cheapest_of_all_assignments(seed: int) -> None:
    logits, boxes, true, category = drawn(seed, patches=5, classes=3, objects=3)
    costs = [[pair_cost(logits[i], boxes[i], true[j], int(category[j])) for j in range(3)] for i in range(5)]
    best = min(
        itertools.permutations(range(5), 3), key=lambda tokens: sum(costs[t][j] for j, t in enumerate(tokens))
    )
    tokens, objects = match(logits, boxes, true, category, OPTIONS)
    assert {(int(t), int(o)) for t, o in zip(tokens, objects, strict=True)} == {
        (t, j) for j, t in enumerate(best)
    }


def test_the_loss_is_the_sum_over_tokens_and_pairs_for_each_object() -> None:
    logits, boxes, true, category = drawn(3, patches=4, classes=2, objects=2)
    tokens, objects = match(logits, boxes, true, category, OPTIONS)
    pairs = {int(t): int(o) for t, o in zip(tokens, objects, strict=True)}
    total = 0.0
    for token in range(4):
        for name in range(2):
            there = token in pairs and int(category[pairs[token]]) == name
            total += focal(float(logits[token, name]), there)
    for token, place in pairs.items():
        one, other = boxes[token].tolist(), true[place].tolist()
        total += sum(abs(a - b) for a, b in zip(one, other, strict=True)) + 1 - overlap(one, other)
    result = detection_loss(logits[None], boxes[None], true[None], category[None], OPTIONS)
    assert result.item() == pytest.approx(total / 2, rel=1e-5)


def test_by_hand() -> None:
    """One token at logit 0, its box the left half; one object, the whole image: 0.3 / 4 log 2, 0.5, and 0.5 again."""
    loss = detection_loss(
        torch.zeros(1, 1, 1), torch.tensor([[[0.0, 0.0, 0.5, 1.0]]]), torch.tensor([[[0.0, 0.0, 1.0, 1.0]]]),
        torch.zeros(1, 1, dtype=torch.int64), OPTIONS,
    )  # fmt: skip
    assert loss.item() == pytest.approx(0.3 / 4 * math.log(2) + 0.5 + 0.5, rel=1e-5)


def test_an_image_without_objects_and_padding_count_as_nothing_there() -> None:
    logits, boxes, true, category = drawn(1, patches=4, classes=2, objects=2)
    empty = detection_loss(logits[None], boxes[None], true[None], torch.full((1, 2), -1), OPTIONS)
    expected = sum(focal(float(value), False) for value in logits.flatten())
    assert empty.item() == pytest.approx(expected, rel=1e-5)
    longer = (torch.cat([true, torch.zeros(3, 4)]), torch.cat([category, torch.full((3,), -1)]))
    alone = detection_loss(logits[None], boxes[None], true[None], category[None], OPTIONS)
    with_padding = detection_loss(logits[None], boxes[None], longer[0][None], longer[1][None], OPTIONS)
    assert torch.equal(alone, with_padding)


def test_more_objects_than_tokens_leave_some_unmatched() -> None:
    logits, boxes, true, category = drawn(2, patches=2, classes=2, objects=4)
    tokens, objects = match(logits, boxes, true, category, OPTIONS)
    assert sorted(tokens.tolist()) == [0, 1]
    assert len(set(objects.tolist())) == 2


def test_boxes_stand_at_their_patches_at_first() -> None:
    head = BoxHead(8, (2, 3))
    with torch.no_grad():
        for parameter in head.boxes[-1].parameters():
            parameter.zero_()
        merged, boxes = head(torch.randn(1, 7, 8))
    expected = [[c / 3, r / 2, (c + 1) / 3, (r + 1) / 2] for r in range(2) for c in range(3)]
    assert torch.allclose(boxes[0], torch.tensor(expected), atol=1e-5)
    assert merged.shape == (1, 6, 8)


def test_patches_are_multiplied_by_the_class_token_and_normed() -> None:
    tokens = torch.tensor([[[2.0, 1.0, 0.0, 1.0], [1.0, 1.0, 5.0, 3.0]]])
    merged, _ = BoxHead(4, (1, 1))(tokens)
    product = torch.tensor([2.0, 1.0, 0.0, 3.0])
    expected = (product - product.mean()) / (product.var(correction=0) + 1e-5).sqrt()
    assert torch.allclose(merged[0, 0], expected, atol=1e-6)


def test_a_mirrored_image_has_mirrored_boxes() -> None:
    draws = Draws.whole(0, 8)
    images = torch.arange(4.0).repeat(8, 3, 4, 1)
    mirrored_images, mirrored = mirror_some(images, draws)
    assert 0 < mirrored.sum() < 8
    regions = [Regions(np.array([[0.0, 0.25, 0.25, 1.0]], dtype=np.float32), np.array([1]))] * 7
    regions.append(Regions(np.zeros((0, 4), dtype=np.float32), np.zeros(0, dtype=np.int64)))
    boxes, categories = padded(regions, mirrored)
    assert categories[:, 0].tolist() == [1] * 7 + [-1]
    for row in range(7):
        left, _, right, _ = (4 * boxes[row, 0]).tolist()
        assert mirrored_images[row, 0, 0, int(left) : int(right)].tolist() == [
            0.0
        ]  # what the box held before
