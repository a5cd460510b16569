"""The masked autoencoder: what is hidden, what the encoder sees, and where the loss counts."""

import pytest
import torch

from vistok.supervision.objectives.masked_pixels import normalised, patches_of, take


def test_three_quarters_are_hidden_and_each_patch_is_on_one_side(make, data) -> None:
    batch = make("masked-pixels").batch(data, 0)
    assert batch["visible"].shape == (12, 2)  # of 9 patches, 7 hidden
    both = torch.cat([batch["visible"], batch["hidden"]], dim=1)
    assert torch.equal(both.sort(dim=1).values, torch.arange(9).expand(12, 9))
    assert not torch.equal(both[0], both[1])


@pytest.mark.parametrize(("ratio", "kept"), [(0.5, 4), (0.75, 2), (0.6, 3), (0.9, 0)])
def test_what_does_not_divide_is_hidden(make, data, ratio: float, kept: int) -> None:
    """MAE's code: len_keep = int(L * (1 - mask_ratio))."""
    batch = make("masked-pixels", mask_ratio=ratio).batch(data, 0)
    assert (batch["visible"].shape[1], batch["hidden"].shape[1]) == (kept, 9 - kept)


def test_the_encoder_sees_nothing_of_the_hidden_patches(make, data) -> None:
    objective = make("masked-pixels")
    batch = objective.batch(data, 0)
    painted = objective.reconstruct(batch["images"], batch["visible"])
    changed = batch["images"].clone()
    place = int(batch["hidden"][0, 0])
    row, column = 8 * (place // 3), 8 * (place % 3)
    changed[0, :, row : row + 8, column : column + 8] = 5.0
    assert torch.equal(objective.reconstruct(changed, batch["visible"]), painted)
    place = int(batch["visible"][0, 0])
    row, column = 8 * (place // 3), 8 * (place % 3)
    changed[0, :, row : row + 8, column : column + 8] = 5.0
    assert not torch.equal(objective.reconstruct(changed, batch["visible"])[0], painted[0])


def test_the_encoder_s_blocks_get_the_visible_patches_only(make, data) -> None:
    objective = make("masked-pixels")
    lengths = []
    objective.encoder.blocks[0].register_forward_hook(
        lambda _module, _given, out: lengths.append(out.shape[1])
    )
    objective.loss(objective.batch(data, 0), 0)
    assert lengths == [1 + 2]


def test_the_loss_is_the_squared_error_on_hidden_patches_alone(make, data) -> None:
    objective = make("masked-pixels")
    batch = objective.batch(data, 0)
    painted = objective.reconstruct(batch["images"], batch["visible"])
    targets = normalised(patches_of(batch["images"], 8))
    hidden = torch.ones(12, 9, dtype=torch.bool)
    for image, places in enumerate(batch["visible"]):
        hidden[image, places] = False
    expected = (painted - targets).square().mean(-1)[hidden].mean()
    assert objective.loss(batch, 0).item() == pytest.approx(expected.item(), rel=1e-5)


def test_targets_are_each_patch_s_pixels_row_by_row_normalised() -> None:
    images = torch.rand(2, 3, 8, 8)
    targets = normalised(patches_of(images, 4))
    patch = images[1, :, 4:8, 0:4].permute(1, 2, 0).flatten()  # third of the four patches
    expected = (patch - patch.mean()) / (patch.var() + 1e-6).sqrt()
    assert targets.shape == (2, 4, 48)
    assert torch.allclose(targets[1, 2], expected, atol=1e-5)


def test_targets_can_be_the_pixels_as_they_are(make, data) -> None:
    objective = make("masked-pixels", normalised_targets=0)
    batch = objective.batch(data, 0)
    painted = take(objective.reconstruct(batch["images"], batch["visible"]), batch["hidden"])
    pixels = take(patches_of(batch["images"], 8), batch["hidden"])
    assert objective.loss(batch, 0).item() == pytest.approx((painted - pixels).square().mean().item())
    assert objective.loss(batch, 0) != make("masked-pixels").loss(batch, 0)


def test_a_flat_patch_has_finite_targets() -> None:
    assert torch.equal(normalised(patches_of(torch.ones(1, 3, 4, 4), 4)), torch.zeros(1, 1, 48))


def test_take_keeps_the_order_that_is_asked_for() -> None:
    patches = torch.arange(8.0).view(1, 4, 2)
    assert torch.equal(take(patches, torch.tensor([[3, 1]])), torch.tensor([[[6.0, 7.0], [2.0, 3.0]]]))
