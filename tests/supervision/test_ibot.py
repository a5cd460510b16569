"""Block masks and the patch loss of iBOT."""

import numpy as np
import pytest
import torch

from vistok.supervision.ibot import block_masks, patch_cross_entropy


def masks(seed: int = 0, images: int = 400) -> torch.Tensor:
    return block_masks(np.random.default_rng(seed), images, (6, 6), share=0.5, least=0.1, greatest=0.5)


def test_half_of_the_images_are_masked_by_a_tenth_to_a_half() -> None:
    counts = masks().sum(1)
    assert (counts > 0).sum() == 200
    masked = counts[counts > 0]
    assert masked.min() >= 3
    assert masked.max() <= 18
    assert masked.float().mean().item() == pytest.approx(0.3 * 36, abs=0.7)


def test_hidden_patches_hang_together() -> None:
    for mask in masks(1, 100):
        hidden = {(int(place) // 6, int(place) % 6) for place in mask.nonzero()}
        reached = {min(hidden)} if hidden else set()
        for _ in range(36):
            reached |= {
                (row + down, column + across)
                for row, column in reached
                for down, across in ((0, 1), (1, 0), (0, -1), (-1, 0))
                if (row + down, column + across) in hidden
            }
        assert reached == hidden


def test_every_place_is_hidden_sometimes() -> None:
    shares = masks().float().mean(0)
    assert shares.min() > 0.05
    assert shares.max() < 0.3


def test_the_patch_loss_means_over_patches_then_images() -> None:
    torch.manual_seed(0)
    hidden = torch.tensor([[True, False, True], [False, False, False], [False, True, False]])
    teacher, student = torch.randn(3, 4).softmax(-1), torch.randn(3, 4)
    entropy = -(teacher * (student / 0.1).log_softmax(-1)).sum(-1)
    expected = ((entropy[0] + entropy[1]) / 2 + entropy[2]) / 3
    assert patch_cross_entropy(teacher, student, hidden, 0.1).item() == pytest.approx(
        expected.item(), rel=1e-5
    )


def test_no_hidden_patch_is_no_loss() -> None:
    nothing = torch.zeros(0, 4)
    assert patch_cross_entropy(nothing, nothing, torch.zeros(2, 3, dtype=torch.bool), 0.1).item() == 0
